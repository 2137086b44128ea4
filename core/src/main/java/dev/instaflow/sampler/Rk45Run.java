package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** One run of {@link Rk45Sampler}: the states and slopes of a batch, and each image's step control. */
final class Rk45Run {
    /** Coefficients of scipy's {@code RK45}; rows of {@link #STAGES} sum up to {@link #NODES}. */
    private static final double[] NODES = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};

    /** How the slopes so far make the state of each stage; the last row is the result of order 5. */
    private static final double[][] STAGES = {
        {},
        {1. / 5},
        {3. / 40, 9. / 40},
        {44. / 45, -56. / 15, 32. / 9},
        {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
        {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
        {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}
    };

    /** The result of order 5 less that of order 4. */
    private static final double[] ERROR = {
        71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40
    };

    private final Scope run;
    private final TimeLabelRule rule;
    private final SamplerSettings settings;
    private final Denoiser denoiser;
    private final SamplingRequest request;
    private final double start;
    private final int[] evaluations;
    private final StepControl[] controls;
    private Tensor x;
    private Tensor slope;
    private int steps;

    Rk45Run(
            Scope run,
            TimeLabelRule rule,
            SamplerSettings settings,
            Denoiser denoiser,
            SamplingRequest request) {
        this.run = run;
        this.rule = rule;
        this.settings = settings;
        this.denoiser = denoiser;
        this.request = request;
        int images = request.start().noise().shape().intSize(0);
        start =
                request.start() instanceof SamplingStart.Image image
                        ? Math.max(1 - image.strength(), rule.firstTime())
                        : rule.firstTime();
        evaluations = new int[images];
        controls = new StepControl[images];
        Arrays.setAll(controls, n -> new StepControl(start));
    }

    boolean finished() {
        return Arrays.stream(controls).allMatch(StepControl::finished);
    }

    Tensor latents() {
        return x;
    }

    List<Integer> evaluations() {
        return Arrays.stream(evaluations).boxed().toList();
    }

    /** The first state, its slope, and the size of the first step: scipy's select_initial_step. */
    void begin() {
        Tensor first = startState(run.ops());
        x = request.constraint().apply(run.ops(), first, levels());
        slope = velocity(run.ops(), x, times(0, new double[controls.length]));
        Arrays.fill(evaluations, 2);
        try (Scope scope = run.ops().openScope()) {
            Ops ops = scope.ops();
            float[] state = ops.toArray(x);
            double[] d0 = norms(state, state, state);
            double[] d1 = norms(ops.toArray(slope), state, state);
            double[] guess = new double[controls.length];
            for (int n = 0; n < guess.length; n++) {
                double h = d0[n] < 1e-5 || d1[n] < 1e-5 ? 1e-6 : 0.01 * d0[n] / d1[n];
                guess[n] = Math.min(h, controls[n].left());
            }
            Tensor ahead = weighted(ops, guess, new double[] {1}, x, slope);
            Tensor slopeAhead = velocity(ops, ahead, times(1, guess));
            Tensor change = Network.sum(ops, new double[] {1, -1}, slopeAhead, slope);
            double[] d2 = norms(ops.toArray(change), state, state);
            for (int n = 0; n < guess.length; n++) {
                controls[n].begin(firstStep(guess[n], d1[n], d2[n] / guess[n]));
            }
        }
    }

    private static double firstStep(double guess, double d1, double d2) {
        double largest = Math.max(d1, d2);
        double h = largest <= 1e-15 ? Math.max(1e-6, guess * 1e-3) : Math.pow(0.01 / largest, 0.2);
        return Math.min(100 * guess, h);
    }

    /** Tries one step of every image that is not finished. */
    void step() {
        double[] h = Arrays.stream(controls).mapToDouble(StepControl::tried).toArray();
        float label = rule.label(controls[0].time());
        try (Scope scope = run.ops().openScope()) {
            Ops ops = scope.ops();
            for (int n = 0; n < h.length; n++) {
                evaluations[n] += controls[n].finished() ? 0 : NODES.length - 1;
            }
            Tensor[] slopes = new Tensor[NODES.length];
            slopes[0] = slope;
            Tensor ahead = x;
            for (int s = 1; s < NODES.length; s++) {
                ahead = weighted(ops, h, STAGES[s], x, Arrays.copyOf(slopes, s));
                slopes[s] = velocity(ops, ahead, times(NODES[s], h));
            }
            float[][] taken = judge(ops, ahead, errors(ops, h, slopes));
            keep(scope, taken, ahead, slopes[NODES.length - 1]);
        }
        steps++;
        double reached = Arrays.stream(controls).mapToDouble(StepControl::time).min().orElse(1);
        double done = (reached - start) / (1 - start);
        request.listener().onStep(new SamplingProgress(steps, steps, label, done, x));
    }

    /** The new state of the images whose step was taken; the others stay where they are. */
    private void keep(Scope scope, float[][] taken, Tensor ahead, Tensor slopeAhead) {
        Ops ops = scope.ops();
        Tensor next = ops.combine(taken, ahead, x);
        Tensor nextSlope = ops.combine(taken, slopeAhead, slope);
        Tensor constrained = request.constraint().apply(ops, next, levels());
        if (constrained != next) {
            next = ops.combine(taken, constrained, x);
            if (!finished()) {
                Tensor fresh = velocity(ops, next, times(0, new double[controls.length]));
                nextSlope = ops.combine(taken, fresh, slope);
                for (int n = 0; n < controls.length; n++) {
                    evaluations[n] += controls[n].finished() ? 0 : (int) taken[0][n];
                }
            }
        }
        x.close();
        slope.close();
        x = scope.escape(next);
        slope = scope.escape(nextSlope);
    }

    private Tensor startState(Ops ops) {
        if (request.start() instanceof SamplingStart.Image image) {
            return Network.sum(ops, new double[] {start, 1 - start}, image.image(), image.noise());
        }
        return Network.sum(ops, new double[] {1}, request.start().noise());
    }

    private Tensor velocity(Ops ops, Tensor state, double[] times) {
        float[] labels = new float[times.length];
        for (int n = 0; n < labels.length; n++) {
            labels[n] = rule.label(times[n]);
        }
        Tensor velocity = denoiser.predict(ops, state, labels);
        if (!ops.isFinite(velocity)) {
            throw new IllegalStateException(
                    "sampler rk45: the velocity is not finite after %d steps (labels %s)"
                            .formatted(steps, Arrays.toString(labels)));
        }
        return velocity;
    }

    private double[] times(double node, double[] h) {
        return IntStream.range(0, controls.length)
                .mapToDouble(n -> Math.min(1, controls[n].time() + node * h[n]))
                .toArray();
    }

    private List<NoiseLevel> levels() {
        return Arrays.stream(controls).map(c -> NoiseLevel.flow(c.time())).toList();
    }

    /** {@code state + h * sum of row[k] * slopes[k]}, each image with its own h. */
    private static Tensor weighted(
            Ops ops, double[] h, double[] row, Tensor state, Tensor... slopes) {
        float[][] weights = new float[row.length + 1][h.length];
        Tensor[] all = new Tensor[row.length + 1];
        all[0] = state;
        Arrays.fill(weights[0], 1);
        for (int k = 0; k < row.length; k++) {
            all[k + 1] = slopes[k];
            for (int n = 0; n < h.length; n++) {
                weights[k + 1][n] = (float) (h[n] * row[k]);
            }
        }
        return ops.combine(weights, all);
    }

    private static float[] errors(Ops ops, double[] h, Tensor[] slopes) {
        float[][] weights = new float[ERROR.length][h.length];
        for (int k = 0; k < ERROR.length; k++) {
            for (int n = 0; n < h.length; n++) {
                weights[k][n] = (float) (h[n] * ERROR[k]);
            }
        }
        return ops.toArray(ops.combine(weights, slopes));
    }

    /** Weights that choose the new state, row 0, or the old one, row 1. */
    private float[][] judge(Ops ops, Tensor ahead, float[] errors) {
        double[] norms = norms(errors, ops.toArray(x), ops.toArray(ahead));
        float[][] taken = new float[2][controls.length];
        for (int n = 0; n < controls.length; n++) {
            boolean moved = !controls[n].finished() && controls[n].judge(norms[n]);
            taken[moved ? 0 : 1][n] = 1;
        }
        return taken;
    }

    /** Per image, the root mean square of a vector in units of the tolerance at two states. */
    private double[] norms(float[] vector, float[] before, float[] after) {
        int perImage = vector.length / controls.length;
        double[] norms = new double[controls.length];
        for (int n = 0; n < norms.length; n++) {
            double squares = 0;
            for (int i = n * perImage; i < (n + 1) * perImage; i++) {
                double size = Math.max(Math.abs(before[i]), Math.abs(after[i]));
                double scale = settings.absoluteTolerance() + settings.relativeTolerance() * size;
                squares += vector[i] / scale * (vector[i] / scale);
            }
            norms[n] = Math.sqrt(squares / perImage);
        }
        return norms;
    }
}
