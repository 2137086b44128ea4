package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.backend.BackendException;

/**
 * The products of a strip at one vertical position: for each horizontal position, tiles [T,Ci] times the
 * transformed kernels [Ci,Co].
 */
final class StripProducts {
    private final CpuEngine engine;
    private final WeightedPlans plans;

    StripProducts(CpuEngine engine) {
        this.engine = engine;
        this.plans = new WeightedPlans(engine);
    }

    /** The shared layout that transformed kernels [positions^2,Ci,Co] are best packed in. */
    Layout preferred(WinogradGrid grid) {
        long all = (long) grid.basis().positions() * grid.basis().positions();
        return plans.preferred(key(grid, all, -1), new Maker(grid, all));
    }

    /** The held plan for a vertical position's share of kernels packed in a shared layout. */
    Plan plan(WinogradGrid grid, Layout kernels) {
        long each = grid.basis().positions();
        PlanKey key = key(grid, each, kernels.number());
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (Layout share = share(grid, kernels, 0);
                PlanBuilder builder = new PlanBuilder(engine, key)) {
            Plan fresh = builder.build(new Maker(grid, each).describe(builder, share.copy()));
            return engine.plans().add(key, fresh.expects(kernels));
        }
    }

    /** The distance from one vertical position's kernels to the next one's. */
    long shareBytes(WinogradGrid grid, Layout kernels) {
        try (Layout share = share(grid, kernels, 1)) {
            return share.offsetBytes();
        }
    }

    private static Layout share(WinogradGrid grid, Layout kernels, long index) {
        long each = grid.basis().positions();
        long[] sizes = {each, grid.in(), grid.out()};
        Layout share = kernels.part(sizes, new long[] {index * each, 0, 0});
        if (share == null) {
            throw new BackendException(
                    "oneDNN packs kernels of %s in a way that has no parts".formatted(grid));
        }
        return share;
    }

    private PlanKey key(WinogradGrid grid, long positions, int layout) {
        return engine.plans()
                .key(PlanKey.Op.STRIP_PRODUCTS)
                .with(layout)
                .with(positions)
                .with(grid.tiles())
                .with(grid.in())
                .with(grid.out());
    }

    private record Maker(WinogradGrid grid, long positions) implements WeightedPlans.Maker {
        @Override
        public Layout anyLayout() {
            return Layout.any(positions, grid.in(), grid.out());
        }

        @Override
        public PlanBuilder.Factory describe(PlanBuilder builder, Layout weights) {
            builder.forCallingThread();
            builder.argument(DNNL_ARG_WEIGHTS, weights);
            Layout from =
                    builder.argument(
                            DNNL_ARG_SRC, Layout.dense(positions, grid.tiles(), grid.in()));
            Layout to =
                    builder.argument(
                            DNNL_ARG_DST, Layout.dense(positions, grid.tiles(), grid.out()));
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
