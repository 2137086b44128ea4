package dev.instaflow.backend.cpu;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A weight for the layout that its primitive computes fastest in: kept in it, or kept as the file had it and
 * packed for the time of each use. Where a later size cannot use that layout except through a slow fallback,
 * a weight that is kept packed makes a second copy in another layout, once, and keeps it.
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

    /** Brings values into the layout of a weight, at an address. */
    @FunctionalInterface
    interface Packing {
        void pack(PackedWeight weight, long target, FloatSource values) throws IOException;
    }

    /**
     * What a weight is for.
     *
     * @param form who computes with it
     * @param layout shared, in which they want it
     * @param packing how it gets there
     */
    record Purpose(Form form, Layout layout, Packing packing) {}

    /** Where the values lie while somebody computes with them. */
    final class Use implements AutoCloseable {
        private final Layout layout;
        private final long address;
        private final Optional<MemoryPool.Block> borrowed;

        private Use(Layout layout, long address, Optional<MemoryPool.Block> borrowed) {
            this.layout = layout;
            this.address = address;
            this.borrowed = borrowed;
        }

        long address() {
            return address;
        }

        @Override
        public void close() {
            if (borrowed.isPresent()) {
                engine().pool().give(borrowed.get());
            }
        }
    }

    private final Purpose purpose;
    private final long bytes;
    private final Optional<HeldValues> held;
    private final Use own;
    private final List<Use> copies = new ArrayList<>();
    private final List<MemoryPool.Block> copyBlocks = new ArrayList<>();

    private PackedWeight(
            CpuEngine engine,
            String name,
            Shape shape,
            Purpose purpose,
            long bytes,
            Optional<DType> stored) {
        super(
                engine,
                name,
                shape,
                engine.pool().takeWeight(bytes, "weight \"" + name + "\" " + shape));
        this.purpose = purpose;
        this.bytes = bytes;
        this.held = stored.map(type -> new HeldValues(type, address()));
        this.own = new Use(purpose.layout(), address(), Optional.empty());
    }

    /** Memory for a weight that is kept packed; {@link #fill} fills it. */
    static PackedWeight packed(CpuEngine engine, String name, Shape shape, Purpose purpose) {
        long bytes = purpose.layout().bytes();
        return new PackedWeight(engine, name, shape, purpose, bytes, Optional.empty());
    }

    /** Memory for a weight that is kept in a type of the file's; {@link #fill} fills it. */
    static PackedWeight stored(
            CpuEngine engine, String name, Shape shape, Purpose purpose, DType type) {
        long bytes = Math.multiplyExact(shape.count(), type.sizeBytes());
        return new PackedWeight(engine, name, shape, purpose, bytes, Optional.of(type));
    }

    Form form() {
        return purpose.form();
    }

    /** The layout that it is used in, unless {@link #in} is asked for another. */
    Layout layout() {
        return purpose.layout();
    }

    /** Reads all values. */
    void fill(FloatSource values) throws IOException {
        if (held.isPresent()) {
            StoredValues.readRaw(values, 0, address(), shape().count());
        } else {
            purpose.packing().pack(this, address(), values);
        }
    }

    /**
     * Reads other values than those so far.
     *
     * @throws IllegalArgumentException if it is kept as stored: other values may not fit its type
     */
    synchronized void refill(FloatSource values) throws IOException {
        if (held.isPresent()) {
            throw new IllegalArgumentException(
                    "weight " + this + " is kept as stored and cannot be given new values");
        }
        fill(values);
        copies.forEach(copy -> reorder(layout(), address(), copy.layout, copy.address));
    }

    private void reorder(Layout from, long fromAddress, Layout to, long toAddress) {
        WeightPacker.reorder(engine(), from, to).run(fromAddress, toAddress);
    }

    /** This weight in a shared layout, to be closed by the caller when the primitive has run. */
    Use in(Layout wanted) {
        if (held.isPresent()) {
            return packedNow(wanted);
        }
        return wanted == layout() ? own : copyIn(wanted);
    }

    private synchronized Use copyIn(Layout wanted) {
        for (Use copy : copies) {
            if (copy.layout == wanted) {
                return copy;
            }
        }
        MemoryPool.Block block = engine().pool().takeWeight(wanted.bytes(), this);
        copyBlocks.add(block);
        reorder(layout(), address(), wanted, block.address());
        Use copy = new Use(wanted, block.address(), Optional.empty());
        copies.add(copy);
        return copy;
    }

    private Use packedNow(Layout wanted) {
        MemoryPool.Block block = engine().pool().take(layout().bytes(), this);
        Use use = new Use(layout(), block.address(), Optional.of(block));
        boolean done = false;
        try {
            purpose.packing().pack(this, block.address(), held.orElseThrow());
            done = true;
        } catch (IOException e) {
            throw new UncheckedIOException(e); // not from memory
        } finally {
            if (!done) {
                use.close();
            }
        }
        return wanted == layout() ? use : reordered(use, wanted);
    }

    private Use reordered(Use packed, Layout wanted) {
        try (packed) {
            MemoryPool.Block block =
                    engine().pool()
                            .filled(
                                    wanted.bytes(),
                                    this,
                                    to -> reorder(packed.layout, packed.address, wanted, to));
            return new Use(wanted, block.address(), Optional.of(block));
        }
    }

    @Override
    long sizeBytes() {
        return bytes;
    }

    @Override
    protected void free() {
        super.free();
        copyBlocks.forEach(engine().pool()::give);
        copyBlocks.clear();
        copies.clear();
    }
}
