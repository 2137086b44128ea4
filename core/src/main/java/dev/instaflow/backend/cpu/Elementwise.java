package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.Activation;

/** Operations without a sum, one primitive each, on row-major values. */
final class Elementwise {
    private static final float QUICK_GELU_SLOPE = 1.702f;

    /** What reading, computing and writing a value costs, in multiplications of a matrix product. */
    static final double WORK_PER_VALUE = 16;

    private final CpuEngine engine;

    Elementwise(CpuEngine engine) {
        this.engine = engine;
    }

    void add(long count, long a, long b, long y) {
        binary(dnnl_binary_add, count, a, b, y);
    }

    void multiply(long count, long a, long b, long y) {
        binary(dnnl_binary_mul, count, a, b, y);
    }

    private void binary(int algorithm, long count, long a, long b, long y) {
        PlanKey key = engine.plans().key(PlanKey.Op.BINARY).with(algorithm).with(count);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            try (PlanBuilder builder = new PlanBuilder(engine, key)) {
                builder.work(WORK_PER_VALUE * count);
                Layout layout = builder.argument(DNNL_ARG_SRC_0, Layout.dense(count));
                builder.argument(DNNL_ARG_SRC_1, Layout.dense(count));
                builder.argument(DNNL_ARG_DST, Layout.dense(count));
                plan = engine.plans().add(key, buildBinary(builder, algorithm, layout, layout));
            }
        }
        plan.call().with(a).with(b).with(y).run();
    }

    /** The plan of {@code result = algorithm(a, b)}; the builder has the arguments. */
    static Plan buildBinary(PlanBuilder builder, int algorithm, Layout values, Layout other) {
        return builder.build(
                (result, cpu, attributes) ->
                        dnnl_binary_primitive_desc_create(
                                result,
                                cpu,
                                algorithm,
                                values.handle(),
                                other.handle(),
                                values.handle(),
                                attributes));
    }

    /** Adds a vector of C values to each of the positions. */
    void addPerChannel(long positions, long c, long x, long vector, long y) {
        PlanKey key = perChannelKey(dnnl_binary_add, positions, c);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            try (PlanBuilder builder = new PlanBuilder(engine, key)) {
                builder.work(WORK_PER_VALUE * positions * c);
                plan = perChannel(builder, dnnl_binary_add, positions, c);
                plan = engine.plans().add(key, plan);
            }
        }
        plan.call().with(x).with(vector).with(y).run();
    }

    /** {@code y = activation(x * scale + shift)}, scale and shift vectors of C values, in one pass. */
    void scaleShift(
            Activation then, long positions, long c, long x, long scale, long shift, long y) {
        PlanKey key = perChannelKey(dnnl_binary_mul, positions, c).with(then.ordinal());
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            try (PlanBuilder builder = new PlanBuilder(engine, key)) {
                builder.work(WORK_PER_VALUE * positions * c);
                plan = engine.plans().add(key, scaleShift(builder, then, positions, c));
            }
        }
        plan.call().with(shift).with(x).with(scale).with(y).run();
    }

    /**
     * The held plan of {@link #scaleShift}, for the calling thread alone; arguments are shift, x, scale,
     * y.
     */
    Plan scaleShiftHere(Activation then, long positions, long c) {
        PlanKey key =
                engine.plans()
                        .key(PlanKey.Op.STRIP_PASS)
                        .with(positions)
                        .with(c)
                        .with(then.ordinal());
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.forCallingThread();
            return engine.plans().add(key, scaleShift(builder, then, positions, c));
        }
    }

    private static Plan scaleShift(PlanBuilder builder, Activation then, long positions, long c) {
        builder.thenBinary(dnnl_binary_add, Layout.image(1, 1, 1, c));
        if (then != Activation.IDENTITY) {
            builder.thenEltwise(algorithm(then), alpha(then), 0);
        }
        return perChannel(builder, dnnl_binary_mul, positions, c);
    }

    private PlanKey perChannelKey(int algorithm, long positions, long c) {
        return engine.plans().key(PlanKey.Op.PER_CHANNEL).with(algorithm).with(positions).with(c);
    }

    /** A plan over [P,C] values and a vector of C; the builder has what follows. */
    private static Plan perChannel(PlanBuilder builder, int algorithm, long positions, long c) {
        Layout values = builder.argument(DNNL_ARG_SRC_0, Layout.image(1, 1, positions, c));
        Layout each = builder.argument(DNNL_ARG_SRC_1, Layout.image(1, 1, 1, c));
        builder.argument(DNNL_ARG_DST, Layout.image(1, 1, positions, c));
        return buildBinary(builder, algorithm, values, each);
    }

    /** An activation other than the identity; {@code y} may be {@code x}. */
    void activation(Activation activation, long count, long x, long y) {
        PlanKey key = engine.plans().key(PlanKey.Op.ELTWISE).with(activation.ordinal()).with(count);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            plan = engine.plans().add(key, activationPlan(key, activation, count));
        }
        plan.call().with(x).with(y).run();
    }

    /** A fresh plan, the caller's. */
    Plan activationPlan(PlanKey key, Activation activation, long count) {
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(WORK_PER_VALUE * count);
            Layout values = builder.argument(DNNL_ARG_SRC, Layout.dense(count));
            builder.argument(DNNL_ARG_DST, Layout.dense(count));
            return builder.build(
                    (result, cpu, attributes) ->
                            dnnl_eltwise_forward_primitive_desc_create(
                                    result,
                                    cpu,
                                    dnnl_forward_inference,
                                    algorithm(activation),
                                    values.handle(),
                                    values.handle(),
                                    alpha(activation),
                                    0,
                                    attributes));
        }
    }

    static int algorithm(Activation activation) {
        return switch (activation) {
            case IDENTITY -> dnnl_eltwise_linear;
            case SILU, QUICK_GELU -> dnnl_eltwise_swish;
            case GELU -> dnnl_eltwise_gelu_erf;
        };
    }

    static float alpha(Activation activation) {
        return activation == Activation.QUICK_GELU ? QUICK_GELU_SLOPE : 1;
    }
}
