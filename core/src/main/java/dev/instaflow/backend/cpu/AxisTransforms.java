package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sums of neighbouring rows or columns with constant factors, the same for all channels: depthwise
 * convolutions, for which oneDNN generates code that runs at the speed of the cache on every processor
 * it knows. Java loops over heap copies take several times as long. Thread-safe.
 */
final class AxisTransforms implements AutoCloseable {
    /** Along which axis the neighbours lie. */
    enum Axis {
        ROWS,
        COLUMNS
    }

    /**
     * One of the convolutions, for images [N,H,W,C].
     *
     * @param axis along which to sum
     * @param taps neighbours in a sum
     * @param stride distance of sums
     * @param arguments 3 for factors, x and y, or 4 with a bias [C] between x and y
     */
    record Geometry(
            Axis axis,
            int taps,
            int stride,
            int arguments,
            long n,
            long height,
            long width,
            long c) {
        private PlanKey key() {
            return new PlanKey(
                    PlanKey.Op.AXIS_TRANSFORM,
                    axis.ordinal(),
                    taps,
                    stride,
                    arguments,
                    n,
                    height,
                    width,
                    c);
        }

        private long[] factors() {
            return axis == Axis.ROWS
                    ? new long[] {c, 1, 1, taps, 1}
                    : new long[] {c, 1, 1, 1, taps};
        }

        private long[] strides() {
            return axis == Axis.ROWS ? new long[] {stride, 1} : new long[] {1, stride};
        }

        private Layout result() {
            return axis == Axis.ROWS
                    ? Layout.image(n, (height - taps) / stride + 1, width, c)
                    : Layout.image(n, height, (width - taps) / stride + 1, c);
        }
    }

    /** A row of factors in the layout of one primitive. */
    private record FactorsKey(double[] row, long c, int layout) {
        @Override
        public boolean equals(Object other) {
            // Rows are compared by identity: they belong to the constants of a basis.
            return other instanceof FactorsKey key
                    && key.row == row
                    && key.c == c
                    && key.layout == layout;
        }

        @Override
        public int hashCode() {
            return 31 * (31 * System.identityHashCode(row) + Long.hashCode(c)) + layout;
        }
    }

    private final CpuEngine engine;
    private final Map<FactorsKey, MemoryPool.Block> factors = new ConcurrentHashMap<>();

    AxisTransforms(CpuEngine engine) {
        this.engine = engine;
    }

    /** The held plan of that geometry, for one thread. */
    Plan plan(Geometry geometry) {
        PlanKey key = geometry.key();
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            Plan fresh = builder.build(describe(builder, geometry));
            return engine.plans().add(key, fresh.expects(engine.shared(fresh.layout(0))));
        }
    }

    private static PlanBuilder.Factory describe(PlanBuilder builder, Geometry geometry) {
        builder.forCallingThread();
        Layout weights = builder.argument(DNNL_ARG_WEIGHTS, Layout.any(geometry.factors()));
        Layout from =
                builder.argument(
                        DNNL_ARG_SRC,
                        Layout.image(geometry.n, geometry.height, geometry.width, geometry.c));
        Layout bias =
                geometry.arguments < 4
                        ? null
                        : builder.argument(DNNL_ARG_BIAS, Layout.dense(geometry.c));
        Layout to = builder.argument(DNNL_ARG_DST, geometry.result());
        return (result, cpu, attributes) ->
                dnnl_convolution_forward_primitive_desc_create(
                        result,
                        cpu,
                        dnnl_forward_inference,
                        dnnl_convolution_direct,
                        from.handle(),
                        weights.handle(),
                        bias == null ? null : bias.handle(),
                        to.handle(),
                        geometry.strides(),
                        new long[] {0, 0},
                        new long[] {0, 0},
                        new long[] {0, 0},
                        attributes);
    }

    /** The address of a row of factors as the geometry's plan wants them; the row is never modified. */
    long factors(Geometry geometry, Plan plan, double[] row) {
        Layout layout = plan.weights();
        FactorsKey key = new FactorsKey(row, geometry.c, layout.number());
        MemoryPool.Block known = factors.get(key);
        return (known != null
                        ? known
                        : factors.computeIfAbsent(key, k -> packed(geometry, layout, row)))
                .address();
    }

    private MemoryPool.Block packed(Geometry geometry, Layout layout, double[] row) {
        float[] values = new float[Math.toIntExact(geometry.c * row.length)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) row[i % row.length];
        }
        MemoryPool.Block plain =
                engine.pool().take(CpuStorage.bytesOf(values.length), "plain factors");
        Staging staging = engine.takeStaging();
        try (Layout source = Layout.dense(geometry.factors())) {
            staging.cursor.write(plain.address(), values, values.length);
            return engine.pool()
                    .filled(
                            layout.bytes(),
                            "factors",
                            to ->
                                    WeightPacker.reorder(engine, source, layout)
                                            .run(plain.address(), to));
        } finally {
            engine.give(staging);
            engine.pool().give(plain);
        }
    }

    @Override
    public void close() {
        factors.values().forEach(engine.pool()::give);
        factors.clear();
    }
}
