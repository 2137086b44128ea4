package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.tensor.Shape;

/** Operations that only move values. */
final class Movement {
    /** Output values from which on odd upsampling is shared among threads. */
    private static final long PARALLEL_FROM = 1 << 18;

    private static final int PARTS = 16;

    private final CpuEngine engine;

    Movement(CpuEngine engine) {
        this.engine = engine;
    }

    /** Copies rows of {@code columns} values whose starts lie further apart, in values. */
    void copyRows(long rows, long columns, long from, long fromStep, long to, long toStep) {
        PlanKey key =
                engine.plans()
                        .key(PlanKey.Op.COPY)
                        .with(rows)
                        .with(columns)
                        .with(fromStep)
                        .with(toStep);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            long[] dims = {rows, columns};
            try (PlanBuilder builder = new PlanBuilder(engine, key)) {
                Plan fresh =
                        builder.buildCopy(
                                Layout.strided(dims, fromStep, 1), Layout.strided(dims, toStep, 1));
                plan = engine.plans().add(key, fresh);
            }
        }
        plan.call().with(from).with(to).run();
    }

    /** Nearest-neighbour resize of images [N,H,W,C]. */
    void upsample(Shape x, Shape y, long from, long to) {
        if (y.size(1) % x.size(1) == 0 && y.size(2) % x.size(2) == 0) {
            resample(x, y, from, to);
            return;
        }
        long rows = y.size(0) * y.size(1);
        if (y.count() < PARALLEL_FROM) {
            upsampleRows(x, y, from, to, 0, rows);
            return;
        }
        engine.workers()
                .run(
                        PARTS,
                        part ->
                                upsampleRows(
                                        x,
                                        y,
                                        from,
                                        to,
                                        rows * part / PARTS,
                                        rows * (part + 1) / PARTS));
    }

    /** By a whole factor, where oneDNN's rounding agrees with {@code floor(i * in / out)}. */
    private void resample(Shape x, Shape y, long from, long to) {
        PlanKey key =
                engine.plans()
                        .key(PlanKey.Op.UPSAMPLE)
                        .with(x.size(0))
                        .with(x.size(1))
                        .with(x.size(2))
                        .with(x.size(3))
                        .with(y.size(1))
                        .with(y.size(2));
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            try (PlanBuilder builder = new PlanBuilder(engine, key)) {
                builder.work(Elementwise.WORK_PER_VALUE * y.count());
                Layout source = builder.argument(DNNL_ARG_SRC, image(x));
                Layout target = builder.argument(DNNL_ARG_DST, image(y));
                Plan fresh =
                        builder.build(
                                (result, cpu, attributes) ->
                                        dnnl_resampling_forward_primitive_desc_create(
                                                result,
                                                cpu,
                                                dnnl_forward_inference,
                                                dnnl_resampling_nearest,
                                                (float[]) null,
                                                source.handle(),
                                                target.handle(),
                                                attributes));
                plan = engine.plans().add(key, fresh);
            }
        }
        plan.call().with(from).with(to).run();
    }

    private static Layout image(Shape shape) {
        return Layout.image(shape.size(0), shape.size(1), shape.size(2), shape.size(3));
    }

    /** The output rows [first, last), counted through all samples. */
    private void upsampleRows(Shape x, Shape y, long from, long to, long first, long last) {
        int c = x.intSize(3);
        int inWidth = x.intSize(2);
        int outWidth = y.intSize(2);
        Staging staging = engine.takeStaging();
        try {
            float[] in = staging.array(0, Math.multiplyExact(inWidth, c));
            float[] out = staging.array(1, Math.multiplyExact(outWidth, c));
            for (long row = first; row < last; row++) {
                long inRow = row / y.size(1) * x.size(1) + row % y.size(1) * x.size(1) / y.size(1);
                staging.cursor.read(
                        from + CpuStorage.bytesOf(inRow * inWidth * c), in, inWidth * c);
                for (int i = 0; i < outWidth; i++) {
                    int column = (int) ((long) i * inWidth / outWidth);
                    System.arraycopy(in, column * c, out, i * c, c);
                }
                staging.cursor.write(
                        to + CpuStorage.bytesOf(row * outWidth * c), out, outWidth * c);
            }
        } finally {
            engine.give(staging);
        }
    }
}
