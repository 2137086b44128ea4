package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.Collections;
import java.util.List;

/** The loop that all samplers with a fixed grid share: start, steps, constraint, listener. */
final class GridSampler implements Sampler {
    private final SamplingTraits traits;
    private final SamplerSettings settings;

    GridSampler(SamplingTraits traits, SamplerSettings settings) {
        this.traits = traits;
        this.settings = settings;
        grid(1);
    }

    @Override
    public int steps(double strength) {
        return traits.prediction() == Prediction.FLOW
                ? Math.max(1, Grids.stepsAt(strength, settings.steps()))
                : Grids.stepsAt(strength, settings.steps());
    }

    @Override
    public SamplingResult sample(Ops outer, Denoiser denoiser, SamplingRequest request) {
        Tensor noise = request.start().noise();
        int images = noise.shape().intSize(0);
        Network network = new Network(denoiser, traits.prediction());
        try (Scope run = outer.openScope()) {
            Grid grid =
                    request.start() instanceof SamplingStart.Image image
                            ? grid(image.strength())
                            : grid(1);
            Stepper stepper = stepper(grid, network, request.stepNoise());
            Tensor x =
                    request.constraint()
                            .apply(
                                    run.ops(),
                                    begin(run.ops(), request.start(), grid),
                                    levels(images, grid.level(0)));
            for (int i = 0; i < grid.steps(); i++) {
                Tensor next = advance(run, stepper, grid, i, x, request.constraint());
                x.close();
                x = next;
                report(run.ops(), grid, i, x, request.listener());
            }
            return new SamplingResult(run.escape(x), Collections.nCopies(images, network.calls()));
        }
    }

    /** The grid of a run; package-private for the tests of all schedules. */
    Grid grid(double strength) {
        int steps = settings.steps();
        if (traits.prediction() == Prediction.FLOW) {
            return Grids.flow(traits.timeLabelRule(), steps, strength);
        }
        DiffusionTime time = new DiffusionTime(traits.noiseSchedule());
        Grid whole =
                switch (settings.kind()) {
                    case DDIM, PLMS -> Grids.variancePreserving(time, settings.spacing(), steps);
                    case DPMPP_2M ->
                            Grids.dpmSolver(time, settings.spacing(), settings.sigmas(), steps);
                    default ->
                            Grids.varianceExploding(
                                    time, settings.spacing(), settings.sigmas(), steps);
                };
        int run = Grids.stepsAt(strength, steps);
        if (run == 0) {
            throw new IllegalArgumentException(
                    "strength %s of %d steps leaves no step to run; the least is %s"
                            .formatted(strength, steps, 1.0 / steps));
        }
        return whole.last(run);
    }

    private Stepper stepper(Grid grid, Network network, StepNoise fresh) {
        return switch (settings.kind()) {
            case DDIM -> new DdimStepper(grid, network, settings.eta(), fresh);
            case PLMS -> new PlmsStepper(grid, network);
            case EULER, RF_EULER -> new EulerStepper(grid, network);
            case EULER_ANCESTRAL -> new EulerAncestralStepper(grid, network, fresh);
            case HEUN, RF_HEUN -> new HeunStepper(grid, network);
            case DPMPP_2M -> new DpmSolverStepper(grid, network);
            case RK45 -> throw new IllegalStateException("rk45 has no grid");
        };
    }

    private static Tensor begin(Ops ops, SamplingStart start, Grid grid) {
        if (start instanceof SamplingStart.Image image) {
            NoiseLevel level = grid.level(0);
            double[] weights = {level.signal(), level.noise()};
            return Network.sum(ops, weights, image.image(), image.noise());
        }
        return Network.sum(ops, new double[] {grid.startScale()}, start.noise());
    }

    private static Tensor advance(
            Scope run, Stepper stepper, Grid grid, int i, Tensor x, LatentConstraint constraint) {
        NoiseLevel reached = i + 1 == grid.steps() ? NoiseLevel.CLEAN : grid.level(i + 1);
        try (Scope scope = run.ops().openScope()) {
            Tensor moved = stepper.step(scope, i, x);
            List<NoiseLevel> levels = levels(x.shape().intSize(0), reached);
            return scope.escape(constraint.apply(scope.ops(), moved, levels));
        }
    }

    private void report(Ops ops, Grid grid, int i, Tensor x, StepListener listener) {
        if (!ops.isFinite(x)) {
            throw new IllegalStateException(
                    "sampler %s: the latents are not finite after step %d of %d (label %s)"
                            .formatted(
                                    settings.kind().label(), i + 1, grid.steps(), grid.label(i)));
        }
        double done = (i + 1.0) / grid.steps();
        listener.onStep(new SamplingProgress(i + 1, grid.steps(), grid.label(i), done, x));
    }

    private static List<NoiseLevel> levels(int images, NoiseLevel level) {
        return Collections.nCopies(images, level);
    }
}
