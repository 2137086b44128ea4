package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.Activation;
import dev.instaflow.tensor.Shape;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;

/** Backward halves of activations, of upsampling and of looking up rows. */
final class ElementwiseGradient {
    private final CpuEngine engine;
    private final Elementwise elementwise;
    private final Movement movement;

    ElementwiseGradient(CpuEngine engine, Elementwise elementwise, Movement movement) {
        this.engine = engine;
        this.elementwise = elementwise;
        this.movement = movement;
    }

    /** {@code dx = dy * activation'(x)}, not for the identity; {@code dx} may be {@code dy}. */
    void activation(Activation activation, long count, long x, long dy, long dx) {
        PlanKey key = new PlanKey(PlanKey.Op.ELTWISE_GRADIENT, activation.ordinal(), count);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            plan = engine.plans().add(key, activationPlan(key, activation, count));
        }
        plan.run(x, dy, dx);
    }

    private Plan activationPlan(PlanKey key, Activation activation, long count) {
        int algorithm = Elementwise.algorithm(activation);
        float alpha = Elementwise.alpha(activation);
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(Elementwise.WORK_PER_VALUE * count);
            Layout values = builder.argument(DNNL_ARG_SRC, Layout.dense(count));
            builder.argument(DNNL_ARG_DIFF_DST, Layout.dense(count));
            builder.argument(DNNL_ARG_DIFF_SRC, Layout.dense(count));
            return builder.build(
                    new BackwardFactory(
                            (result, cpu) ->
                                    dnnl_eltwise_forward_primitive_desc_create(
                                            result,
                                            cpu,
                                            dnnl_forward_training,
                                            algorithm,
                                            values.handle(),
                                            values.handle(),
                                            alpha,
                                            0,
                                            null),
                            (result, cpu, forward, attributes) ->
                                    dnnl_eltwise_backward_primitive_desc_create(
                                            result,
                                            cpu,
                                            algorithm,
                                            values.handle(),
                                            values.handle(),
                                            values.handle(),
                                            alpha,
                                            0,
                                            forward,
                                            attributes)));
        }
    }

    /** Of {@code a * gelu(b)}, x = [a, b] in rows of 2F values. */
    void geglu(long rows, long f, long x, long dy, long dx) {
        long count = rows * f;
        long bytes = CpuStorage.bytesOf(count);
        long half = CpuStorage.bytesOf(f);
        MemoryPool.Block buffers = engine.pool().take(2 * bytes, "halves of a gated layer");
        try {
            long b = buffers.address();
            long other = b + bytes;
            movement.copyRows(rows, f, x + half, 2 * f, b, f);
            elementwise.activation(Activation.GELU, count, b, other);
            elementwise.multiply(count, other, dy, other);
            movement.copyRows(rows, f, other, f, dx, 2 * f);
            movement.copyRows(rows, f, x, 2 * f, other, f);
            elementwise.multiply(count, other, dy, other);
            activation(Activation.GELU, count, b, other, other);
            movement.copyRows(rows, f, other, f, dx + half, 2 * f);
        } finally {
            engine.pool().give(buffers);
        }
    }

    /** Sums over the pixels that each pixel of x [N,H,W,C] was copied to. */
    void upsample(Shape x, Shape y, long dy, long dx) {
        int c = x.intSize(3);
        int inWidth = x.intSize(2);
        int outWidth = y.intSize(2);
        Staging staging = engine.takeStaging();
        try {
            float[] in = staging.array(0, Math.multiplyExact(inWidth, c));
            float[] out = staging.array(1, Math.multiplyExact(outWidth, c));
            long outRow = 0;
            for (long inRow = 0; inRow < x.size(0) * x.size(1); inRow++) {
                Arrays.fill(in, 0, inWidth * c, 0);
                while (outRow < y.size(0) * y.size(1) && inRow(x, y, outRow) == inRow) {
                    long from = dy + CpuStorage.bytesOf(outRow * outWidth * c);
                    staging.cursor.read(from, out, outWidth * c);
                    for (int i = 0; i < outWidth; i++) {
                        int column = (int) ((long) i * inWidth / outWidth);
                        add(out, i * c, in, column * c, c);
                    }
                    outRow++;
                }
                long to = dx + CpuStorage.bytesOf(inRow * inWidth * c);
                staging.cursor.write(to, in, inWidth * c);
            }
        } finally {
            engine.give(staging);
        }
    }

    /** The input row, counted through all samples, that an output row was copied from. */
    private static long inRow(Shape x, Shape y, long outRow) {
        return outRow / y.size(1) * x.size(1) + outRow % y.size(1) * x.size(1) / y.size(1);
    }

    private static void add(float[] from, int fromOffset, float[] to, int toOffset, int length) {
        for (int i = 0; i < length; i++) {
            to[toOffset + i] += from[fromOffset + i];
        }
    }

    /** Adds each row of {@code dy} to the row of the table that it was copied from. */
    void gatherRows(Shape table, int[] ids, long dy, long dx) {
        int e = table.intSize(1);
        Pointer.memset(new NativeAddress().at(dx), 0, CpuStorage.bytesOf(table.count()));
        Staging staging = engine.takeStaging();
        try {
            float[] row = staging.array(0, e);
            float[] sum = staging.array(1, e);
            for (int i = 0; i < ids.length; i++) {
                long to = dx + CpuStorage.bytesOf((long) ids[i] * e);
                staging.cursor.read(dy + CpuStorage.bytesOf((long) i * e), row, e);
                staging.cursor.read(to, sum, e);
                add(row, 0, sum, 0, e);
                staging.cursor.write(to, sum, e);
            }
        } finally {
            engine.give(staging);
        }
    }
}
