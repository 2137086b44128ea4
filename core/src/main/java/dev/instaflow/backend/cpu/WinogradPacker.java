package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.FloatSource;
import dev.instaflow.tensor.Shape;
import java.io.IOException;

/**
 * Brings the kernels of a convolution from their source into their transformed and packed form, a slice
 * of output channels at a time.
 */
final class WinogradPacker {
    private static final long TAPS = 9;

    /** Values of a slice before the transform; after it they are 4 to 11 times as many. */
    private static final long SLICE_VALUES = 1 << 19;

    /** Rows of a slice are a multiple of this, which every block size of oneDNN divides. */
    private static final long ROW_STEP = 64;

    private final CpuEngine engine;
    private final WeightPacker packer;

    WinogradPacker(CpuEngine engine, WeightPacker packer) {
        this.engine = engine;
        this.packer = packer;
    }

    /** Reads, transforms and packs a weight [Co,Ci,3,3], in its layout, to an address. */
    void pack(WinogradBasis basis, PackedWeight weight, long target, FloatSource values)
            throws IOException {
        Shape shape = weight.shape();
        long out = shape.size(0);
        long in = shape.size(1);
        long products = (long) basis.positions() * basis.positions();
        long rows = Math.max(SLICE_VALUES / (in * TAPS) / ROW_STEP * ROW_STEP, ROW_STEP);
        rows = Math.min(rows, out);
        long plainBytes = CpuStorage.bytesOf(rows * in * TAPS);
        long wideBytes = CpuStorage.bytesOf(rows * in * products);
        MemoryPool.Block slice = engine.pool().take(plainBytes + wideBytes, "kernels");
        MemoryPool.Block matrix = null;
        try {
            matrix = matrix(basis);
            for (long row = 0; row < out; row += rows) {
                long count = Math.min(rows, out - row);
                long plain = slice.address();
                long wide = plain + plainBytes;
                packer.copy(values, row * in * TAPS, plain, count * in * TAPS);
                transform(products, count * in).run(matrix.address(), plain, wide);
                packRows(weight.layout(), new long[] {products, in, count}, row, wide, target);
            }
        } finally {
            engine.pool().give(slice);
            if (matrix != null) {
                engine.pool().give(matrix);
            }
        }
    }

    private MemoryPool.Block matrix(WinogradBasis basis) {
        float[] values = basis.kernelTransform();
        Staging staging = engine.takeStaging();
        try {
            return engine.pool()
                    .filled(
                            CpuStorage.bytesOf(values.length),
                            "a matrix",
                            to -> staging.cursor.write(to, values, values.length));
        } finally {
            engine.give(staging);
        }
    }

    /** The held plan of [positions,9] times [9, kernels], the taps of a kernel adjacent. */
    private Plan transform(long products, long kernels) {
        PlanKey key = new PlanKey(PlanKey.Op.KERNEL_TRANSFORM, products, kernels);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            Layout matrix = builder.argument(DNNL_ARG_SRC, Layout.dense(products, TAPS));
            Layout taps =
                    builder.argument(
                            DNNL_ARG_WEIGHTS, Layout.strided(new long[] {TAPS, kernels}, 1, TAPS));
            Layout wide = builder.argument(DNNL_ARG_DST, Layout.dense(products, kernels));
            Plan fresh =
                    builder.build(
                            (result, cpu, attributes) ->
                                    dnnl_matmul_primitive_desc_create(
                                            result,
                                            cpu,
                                            matrix.handle(),
                                            taps.handle(),
                                            null,
                                            wide.handle(),
                                            attributes));
            return engine.plans().add(key, fresh);
        }
    }

    /** Packs [positions, Ci, rows], rows outermost but for the positions, into its place. */
    private void packRows(Layout packed, long[] dims, long firstRow, long from, long to) {
        long[] offsets = {0, 0, firstRow};
        try (Layout source = Layout.strided(dims, dims[1] * dims[2], 1, dims[1]);
                Layout target = packed.part(dims, offsets);
                Layout first = packed.part(dims, new long[3])) {
            if (first == null) {
                WeightPacker.reorder(engine, source, target).run(from, to);
            } else {
                WeightPacker.reorder(engine, source, first).run(from, to + target.offsetBytes());
            }
        }
    }
}
