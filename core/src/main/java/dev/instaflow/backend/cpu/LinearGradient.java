package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

/** The backward halves of a linear layer: two matrix products. */
final class LinearGradient {
    private final CpuEngine engine;

    LinearGradient(CpuEngine engine) {
        this.engine = engine;
    }

    /** {@code dx = dy W}; a copy of the packed matrix in the order of the file is made once and kept. */
    void input(long rows, PackedWeight weight, long in, long out, long dy, long dx) {
        PlanKey key = new PlanKey(PlanKey.Op.LINEAR_INPUT, rows, in, out);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            plan = engine.plans().add(key, inputPlan(key, rows, in, out));
        }
        WeightedPlans.call(plan, weight).with(dy).with(dx).run();
    }

    private Plan inputPlan(PlanKey key, long rows, long in, long out) {
        try (Layout plain = Layout.strided(new long[] {in, out}, 1, in)) {
            Layout shared = engine.shared(plain);
            Plan plan =
                    product(
                            key,
                            Layout.dense(rows, out),
                            Layout.dense(out, in),
                            Layout.dense(rows, in),
                            (double) rows * in * out);
            return plan.expects(shared);
        }
    }

    /** {@code dW = dy^T x}, [Out,In]. */
    void weight(long rows, long in, long out, long x, long dy, long dw) {
        PlanKey key = new PlanKey(PlanKey.Op.LINEAR_WEIGHT, rows, in, out);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            Plan made =
                    product(
                            key,
                            Layout.strided(new long[] {out, rows}, 1, out),
                            Layout.dense(rows, in),
                            Layout.dense(out, in),
                            (double) rows * in * out);
            plan = engine.plans().add(key, made);
        }
        plan.run(x, dy, dw);
    }

    /** A plan of {@code y = a b}; it takes b, a, y. */
    private Plan product(PlanKey key, Layout a, Layout b, Layout y, double work) {
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(work);
            builder.argument(DNNL_ARG_WEIGHTS, b);
            builder.argument(DNNL_ARG_SRC, a);
            builder.argument(DNNL_ARG_DST, y);
            return TiledAttention.matmul(builder, a, b, y);
        }
    }
}
