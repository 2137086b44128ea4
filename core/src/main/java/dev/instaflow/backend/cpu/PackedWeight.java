package dev.instaflow.backend.cpu;

import dev.instaflow.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * A weight in the layout that its primitive computes fastest in. Where a later size cannot use that
 * layout except through a slow fallback, a second copy in another layout is made, once, and kept.
 */
final class PackedWeight extends CpuStorage {
    /** What it was packed for. */
    enum Form {
        /** {@code conv2d}. */
        CONV,
        /** {@code conv2d} of 3x3 with padding 1, by {@link Winograd}. */
        WINOGRAD,
        /** {@code upsampleConv2d}, by {@link Winograd}. */
        WINOGRAD_DOUBLED,
        /** {@code linear}. */
        LINEAR
    }

    private record Copy(Layout layout, MemoryPool.Block block) {}

    private final Form form;
    private final Layout layout;
    private final List<Copy> copies = new ArrayList<>();

    /** Memory for a weight in a shared layout; the packer fills it. */
    PackedWeight(CpuEngine engine, String name, Shape shape, Form form, Layout layout) {
        super(
                engine,
                name,
                shape,
                layout.bytes(),
                engine.pool().takeWeight(layout.bytes(), "weight \"" + name + "\" " + shape));
        this.form = form;
        this.layout = layout;
    }

    Form form() {
        return form;
    }

    /** The layout that it was packed in. */
    Layout layout() {
        return layout;
    }

    /** The address of this weight in a shared layout; makes a copy if it has none in that layout. */
    long addressIn(Layout wanted) {
        return wanted == layout ? address() : addressOfCopy(wanted);
    }

    private synchronized long addressOfCopy(Layout wanted) {
        for (Copy copy : copies) {
            if (copy.layout == wanted) {
                return copy.block.address();
            }
        }
        MemoryPool.Block block = engine().pool().takeWeight(wanted.bytes(), this);
        WeightPacker.reorder(engine(), layout, wanted).run(address(), block.address());
        copies.add(new Copy(wanted, block));
        return block.address();
    }

    /** Brings the copies up to date after the weight itself has been packed anew. */
    synchronized void refreshCopies() {
        for (Copy copy : copies) {
            WeightPacker.reorder(engine(), layout, copy.layout)
                    .run(address(), copy.block.address());
        }
    }

    @Override
    void free() {
        super.free();
        copies.forEach(copy -> engine().pool().give(copy.block));
        copies.clear();
    }
}
