package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.backend.cpu.AxisTransforms.Axis;
import dev.instaflow.backend.cpu.AxisTransforms.Geometry;
import dev.instaflow.ops.Activation;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The primitives of one grid's strips, held as long as this is kept; each runs on the calling thread alone.
 * Thread-safe.
 */
final class StripPlans extends HeldCache.Held {
    private final CpuEngine engine;
    private final List<Plan> held = new ArrayList<>();
    private final Transform down;
    private final Transform across;
    private final Plan products;
    private final long kernelBytes;
    private final Transform outDown;
    private final Transform outAcross;
    private final Plan scatter;
    private final Plan[] sums;
    private final WinogradGrid grid;
    private final Elementwise elementwise;
    private final Map<Activation, Plan[]> passes = new EnumMap<>(Activation.class);

    /** Gets or makes the primitives; {@code weights} is the layout of the kernels' positions. */
    StripPlans(
            CpuEngine engine,
            AxisTransforms transforms,
            Elementwise elementwise,
            WinogradGrid grid,
            Layout weights) {
        this.engine = engine;
        this.elementwise = elementwise;
        this.grid = grid;
        boolean made = false;
        try {
            WinogradBasis basis = grid.basis();
            int p = basis.positions();
            int taps = WinogradBasis.WINDOW;
            int step = WinogradBasis.STEP;
            int high = grid.windowHeight();
            int wide = grid.windowWidth();
            down =
                    new Transform(
                            transforms,
                            new Geometry(Axis.ROWS, taps, step, 3, 1, high, wide, grid.in()),
                            basis.input());
            across =
                    new Transform(
                            transforms,
                            new Geometry(
                                    Axis.COLUMNS, taps, step, 3, 1, grid.rows(), wide, grid.in()),
                            basis.input());
            StripProducts strip = new StripProducts(engine);
            products = hold(strip.plan(grid, weights));
            kernelBytes = strip.shareBytes(grid, weights);
            int tiles = grid.tiles();
            outAcross =
                    new Transform(
                            transforms,
                            new Geometry(Axis.ROWS, p, 1, 3, 1, p, tiles, grid.out()),
                            basis.output());
            int outputs = basis.outputs();
            outDown =
                    new Transform(
                            transforms,
                            new Geometry(Axis.ROWS, p, 1, 4, outputs, p, tiles, grid.out()),
                            basis.output());
            scatter = hold(scatter(grid));
            sums = new Plan[grid.resultWidth() + 1];
            for (int column = 0; column < grid.stripsAcross(); column++) {
                int columns = grid.resultColumns(column);
                if (sums[columns] == null) {
                    sums[columns] = hold(sum((long) columns * grid.out()));
                }
            }
            made = true;
        } finally {
            if (!made) {
                close();
            }
        }
    }

    private Plan hold(Plan plan) {
        held.add(plan);
        return plan;
    }

    /** One geometry with each row of a matrix. */
    final class Transform {
        private final Plan plan;
        private final long[] factors;

        private Transform(AxisTransforms transforms, Geometry geometry, double[][] matrix) {
            plan = hold(transforms.plan(geometry));
            factors = new long[matrix.length];
            for (int i = 0; i < matrix.length; i++) {
                factors[i] = transforms.factors(geometry, plan, matrix[i]);
            }
        }

        /** With one row of the matrix. */
        void run(StripMemory memory, int row, long from, long to) {
            memory.run(plan, factors[row], from, to);
        }

        /** With one row of the matrix and a bias [C]. */
        void run(StripMemory memory, int row, long from, long bias, long to) {
            memory.run(plan, factors[row], from, bias, to);
        }

        /** With all rows of the matrix, whose results lie {@code stepBytes} apart. */
        void runAll(StripMemory memory, long from, long to, long stepBytes) {
            for (int row = 0; row < factors.length; row++) {
                run(memory, row, from, to + row * stepBytes);
            }
        }
    }

    /** From one row of all tiles, [outputs, tiles, C], to its places in an image of the strip. */
    private Plan scatter(WinogradGrid grid) {
        long c = grid.out();
        long outputs = grid.basis().outputs();
        long width = grid.resultWidth();
        PlanKey key =
                engine.plans()
                        .key(PlanKey.Op.STRIP_SCATTER)
                        .with(outputs)
                        .with(grid.rows())
                        .with(grid.columns())
                        .with(c);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        long[] dims = {outputs, grid.rows(), grid.columns(), c};
        long[] dense = {grid.tiles() * c, grid.columns() * c, c, 1};
        long[] pixels = {c, outputs * width * c, outputs * c, 1};
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.forCallingThread();
            Plan fresh =
                    builder.buildCopy(Layout.strided(dims, dense), Layout.strided(dims, pixels));
            return engine.plans().add(key, fresh);
        }
    }

    private Plan sum(long count) {
        PlanKey key = engine.plans().key(PlanKey.Op.STRIP_SUM).with(count);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.forCallingThread();
            Layout values = builder.argument(DNNL_ARG_SRC_0, Layout.dense(count));
            builder.argument(DNNL_ARG_SRC_1, Layout.dense(count));
            builder.argument(DNNL_ARG_DST, Layout.dense(count));
            Plan fresh = Elementwise.buildBinary(builder, dnnl_binary_add, values, values);
            return engine.plans().add(key, fresh);
        }
    }

    /** Whether oneDNN has its fast code for all of them on this processor. */
    boolean areOptimised() {
        return held.stream().noneMatch(Plan::isFallback);
    }

    Transform down() {
        return down;
    }

    Transform across() {
        return across;
    }

    /** Of the kernels' positions, a strip's and the results. */
    Plan products() {
        return products;
    }

    /** The distance from one vertical position's kernels to the next one's. */
    long kernelBytes() {
        return kernelBytes;
    }

    Transform outDown() {
        return outDown;
    }

    Transform outAcross() {
        return outAcross;
    }

    /** One row of all tiles into an image of the strip. */
    Plan scatter() {
        return scatter;
    }

    /** Adds as many pixels. */
    Plan sum(int pixels) {
        return sums[pixels];
    }

    /** For each number of pixels in a row of a window, {@code then(x * scale + shift)} of as many. */
    synchronized Plan[] passes(Activation then) {
        Plan[] known = passes.get(then);
        if (known == null) {
            known = new Plan[grid.windowWidth() + 1];
            for (int across = 0; across < grid.stripsAcross(); across++) {
                int pixels = grid.windowPixels(across);
                if (known[pixels] == null) {
                    known[pixels] = hold(elementwise.scaleShiftHere(then, pixels, grid.in()));
                }
            }
            passes.put(then, known);
        }
        return known;
    }

    @Override
    public void close() {
        held.forEach(Plan::release);
        held.clear();
    }
}
