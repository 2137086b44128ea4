package dev.instaflow.backend.cpu;

import dev.instaflow.ops.FloatSource;
import dev.instaflow.tensor.Shape;
import java.io.IOException;

/**
 * Brings weights from their source into packed memory, a slice of output channels at a time, so that
 * neither the heap nor native memory ever holds a second whole weight.
 */
final class WeightPacker {
    /** Values read from the source at once. */
    private static final int CHUNK = 1 << 16;

    /** Bytes of a plain slice; it should stay in the cache between the two copies. */
    private static final long SLICE_BYTES = 4L << 20;

    /** Rows of a slice are a multiple of this, which every block size of oneDNN divides. */
    private static final long ROW_STEP = 64;

    private final CpuEngine engine;

    WeightPacker(CpuEngine engine) {
        this.engine = engine;
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

        Layout layout() {
            return Layout.strided(dims, strides);
        }
    }

    /** Reads and packs a whole weight. */
    void pack(PackedWeight weight, Shape shape, FloatSource values) throws IOException {
        Plain plain = Plain.of(weight.form(), shape);
        long rowValues = shape.count() / plain.rows();
        long step = SLICE_BYTES / (rowValues * Float.BYTES) / ROW_STEP * ROW_STEP;
        long rows = Math.min(Math.max(step, ROW_STEP), plain.rows());
        if (!canSlice(weight.layout(), plain, rows)) {
            rows = plain.rows();
        }
        MemoryPool.Block slice =
                engine.pool().take(CpuStorage.bytesOf(rows * rowValues), "a slice of " + weight);
        try {
            for (long row = 0; row < plain.rows(); row += rows) {
                long count = Math.min(rows, plain.rows() - row);
                copy(values, row * rowValues, slice.address(), count * rowValues);
                packRows(weight, plain.rows(count), row, slice.address());
            }
        } finally {
            engine.pool().give(slice);
        }
    }

    private static boolean canSlice(Layout packed, Plain plain, long rows) {
        try (Layout part = packed.part(plain.rows(rows).dims, new long[plain.dims.length])) {
            return part != null;
        }
    }

    private void packRows(PackedWeight weight, Plain slice, long firstRow, long from) {
        long[] offsets = new long[slice.dims.length];
        offsets[slice.rowAxis] = firstRow;
        try (Layout source = slice.layout();
                Layout target = weight.layout().part(slice.dims, offsets);
                Layout first = weight.layout().part(slice.dims, new long[offsets.length])) {
            if (first == null) {
                // The last rows end inside a padded block: only in their own place are they a part.
                reorder(engine, source, target).run(from, weight.address());
            } else {
                // One primitive serves all slices: made for the first, moved by the address.
                reorder(engine, source, first).run(from, weight.address() + target.offsetBytes());
            }
        }
    }

    /** Copies values from the source to native memory. */
    void copy(FloatSource values, long first, long to, long count) throws IOException {
        Staging staging = engine.takeStaging();
        try {
            int size = (int) Math.min(count, CHUNK);
            float[] chunk = staging.array(0, size);
            for (long done = 0; done < count; done += size) {
                int length = (int) Math.min(size, count - done);
                values.read(first + done, chunk, 0, length);
                staging.cursor.write(to + CpuStorage.bytesOf(done), chunk, length);
            }
        } finally {
            engine.give(staging);
        }
    }

    /** Copies the values of a packed weight, in the order of the file, to native memory. */
    void unpack(PackedWeight weight, Shape shape, long to) {
        try (Layout plain = Plain.of(weight.form(), shape).layout()) {
            reorder(engine, weight.layout(), plain).run(weight.address(), to);
        }
    }

    /** A held plan that copies from one layout to another. */
    static Plan reorder(CpuEngine engine, Layout from, Layout to) {
        Layout source = engine.shared(from);
        Layout target = engine.shared(to);
        PlanKey key =
                engine.plans().key(PlanKey.Op.PACK).with(source.number()).with(target.number());
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            return engine.plans().add(key, builder.buildCopy(source.copy(), target.copy()));
        }
    }
}
