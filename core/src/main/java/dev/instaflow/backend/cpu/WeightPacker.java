package dev.instaflow.backend.cpu;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Brings weights from their source into packed memory, a slice of output channels at a time and several
 * slices at once, so that neither the heap nor native memory ever holds a second whole weight.
 */
final class WeightPacker {
    /** Bytes of a plain slice; it should stay in the cache between reading and packing. */
    private static final long SLICE_BYTES = 1L << 20;

    /** Rows of a slice are a multiple of this, which every block size of oneDNN divides. */
    private static final long ROW_STEP = 64;

    private final CpuEngine engine;
    private final StoredValues stored;

    WeightPacker(CpuEngine engine) {
        this.engine = engine;
        this.stored = new StoredValues(engine);
    }

    /** Where the output channels and the rest lie in a weight as the file has it. */
    private record Plain(long[] dims, long[] strides, int rowAxis) {
        /** A convolution's [Co,Ci,K,K], in that order for oneDNN as well; a matrix [Out,In] is [In,Out]. */
        static Plain of(PackedWeight.Form form, Shape shape) {
            if (form == PackedWeight.Form.LINEAR) {
                long in = shape.size(1);
                return new Plain(new long[] {in, shape.size(0)}, new long[] {1, in}, 1);
            }
            if (form != PackedWeight.Form.CONV) {
                throw new IllegalArgumentException(
                        "the kernels of a " + form + " weight " + shape + " are kept transformed");
            }
            long taps = shape.size(2) * shape.size(3);
            long[] dims = {shape.size(0), shape.size(1), shape.size(2), shape.size(3)};
            return new Plain(dims, new long[] {dims[1] * taps, taps, dims[3], 1}, 0);
        }

        long rows() {
            return dims[rowAxis];
        }

        Plain rows(long count) {
            long[] slice = dims.clone();
            slice[rowAxis] = count;
            return new Plain(slice, strides, rowAxis);
        }

        Layout layout(DType type) {
            return Layout.strided(type, dims, strides);
        }
    }

    /** Reads a whole weight and packs it, in its layout, to an address. */
    void pack(PackedWeight weight, long target, FloatSource values) throws IOException {
        Shape shape = weight.shape();
        Plain plain = Plain.of(weight.form(), shape);
        long rowValues = shape.count() / plain.rows();
        long step = SLICE_BYTES / (rowValues * Float.BYTES) / ROW_STEP * ROW_STEP;
        long most = Math.min(Math.max(step, ROW_STEP), plain.rows());
        long rows = canSlice(weight.layout(), plain, most) ? most : plain.rows();
        Packing packing = new Packing(weight.layout(), target, plain, rowValues, values);
        int slices = Math.toIntExact((plain.rows() + rows - 1) / rows);
        try {
            forEach(slices, i -> packing.rows(i * rows, Math.min(rows, plain.rows() - i * rows)));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static boolean canSlice(Layout packed, Plain plain, long rows) {
        try (Layout part = packed.part(plain.rows(rows).dims, new long[plain.dims.length])) {
            return part != null;
        }
    }

    /** On all threads, each with primitives of its own, where oneDNN can be kept to one. */
    private void forEach(int count, Workers.Part part) {
        if (engine.canRunSerially()) {
            engine.workers().run(count, part);
        } else {
            for (int i = 0; i < count; i++) {
                part.run(i);
            }
        }
    }

    /** One weight on its way. */
    private final class Packing {
        private final Layout layout;
        private final long target;
        private final Plain plain;
        private final long rowValues;
        private final FloatSource values;
        private final DType type;

        Packing(Layout layout, long target, Plain plain, long rowValues, FloatSource values) {
            this.layout = layout;
            this.target = target;
            this.plain = plain;
            this.rowValues = rowValues;
            this.values = values;
            this.type = stored.packable(values.stored());
        }

        void rows(long first, long count) {
            if (values instanceof HeldValues held && held.stored() == type) {
                pack(plain.rows(count), first, held.addressOf(first * rowValues));
                return;
            }
            MemoryPool.Block slice =
                    engine.pool().take(CpuStorage.bytesOf(count * rowValues), "a slice of weights");
            try {
                if (type == values.stored()) {
                    StoredValues.readRaw(
                            values, first * rowValues, slice.address(), count * rowValues);
                } else {
                    stored.readFloats(
                            values, first * rowValues, slice.address(), count * rowValues);
                }
                pack(plain.rows(count), first, slice.address());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } finally {
                engine.pool().give(slice);
            }
        }

        private void pack(Plain slice, long firstRow, long from) {
            long[] offsets = new long[slice.dims.length];
            offsets[slice.rowAxis] = firstRow;
            try (Layout source = slice.layout(type);
                    Layout part = layout.part(slice.dims, offsets);
                    Layout first = layout.part(slice.dims, new long[offsets.length])) {
                if (first == null) {
                    // The last rows end inside a padded block: only in their own place are they a
                    // part.
                    serialReorder(source, part).run(from, target);
                } else {
                    // One primitive serves all slices: made for the first, moved by the address.
                    serialReorder(source, first).run(from, target + part.offsetBytes());
                }
            }
        }
    }

    /** Copies values from the source to native memory, widened to F32. */
    void copy(FloatSource values, long first, long to, long count) throws IOException {
        stored.readFloats(values, first, to, count);
    }

    /** Copies the values of a packed weight, in the order of the file, to native memory. */
    void unpack(PackedWeight weight, Shape shape, long to) {
        try (Layout plain = Plain.of(weight.form(), shape).layout(DType.F32);
                PackedWeight.Use use = weight.in(weight.layout())) {
            reorder(engine, weight.layout(), plain).run(use.address(), to);
        }
    }

    /** A held plan that copies from one layout to another with all threads. */
    static Plan reorder(CpuEngine engine, Layout from, Layout to) {
        return reorder(engine, from, to, Double.MAX_VALUE);
    }

    /** The same with the calling thread alone. */
    private Plan serialReorder(Layout from, Layout to) {
        return reorder(engine, from, to, 0);
    }

    private static Plan reorder(CpuEngine engine, Layout from, Layout to, double work) {
        Layout source = engine.shared(from);
        Layout target = engine.shared(to);
        PlanKey key =
                engine.plans()
                        .key(PlanKey.Op.PACK)
                        .with(source.number())
                        .with(target.number())
                        .with(work == 0 ? 1 : 0);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(work);
            return engine.plans().add(key, builder.buildCopy(source.copy(), target.copy()));
        }
    }
}
