package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

/** The products of a strip: for each position, tiles [T,Ci] times the transformed kernels [Ci,Co]. */
final class StripProducts {
    private final CpuEngine engine;
    private final WeightedPlans plans;

    StripProducts(CpuEngine engine) {
        this.engine = engine;
        this.plans = new WeightedPlans(engine);
    }

    /** The shared layout that transformed kernels [positions,Ci,Co] are best packed in. */
    Layout preferred(WinogradGrid grid) {
        return plans.preferred(key(grid, -1), new Maker(grid));
    }

    /** The held plan for kernels in a shared layout. */
    Plan plan(WinogradGrid grid, Layout weights) {
        PlanKey key = key(grid, weights.number());
        Plan plan = engine.plans().get(key);
        return plan != null ? plan : plans.make(key, weights, new Maker(grid));
    }

    private PlanKey key(WinogradGrid grid, int layout) {
        return engine.plans()
                .key(PlanKey.Op.STRIP_PRODUCTS)
                .with(layout)
                .with(grid.products())
                .with(grid.tiles())
                .with(grid.in())
                .with(grid.out());
    }

    private record Maker(WinogradGrid grid) implements WeightedPlans.Maker {
        @Override
        public Layout anyLayout() {
            return Layout.any(grid.products(), grid.in(), grid.out());
        }

        @Override
        public PlanBuilder.Factory describe(PlanBuilder builder, Layout weights) {
            builder.forCallingThread();
            builder.argument(DNNL_ARG_WEIGHTS, weights);
            Layout from =
                    builder.argument(
                            DNNL_ARG_SRC, Layout.dense(grid.products(), grid.tiles(), grid.in()));
            Layout to =
                    builder.argument(
                            DNNL_ARG_DST, Layout.dense(grid.products(), grid.tiles(), grid.out()));
            return (result, cpu, attributes) ->
                    dnnl_matmul_primitive_desc_create(
                            result,
                            cpu,
                            from.handle(),
                            weights.handle(),
                            null,
                            to.handle(),
                            attributes);
        }
    }
}
