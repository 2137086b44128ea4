package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;

/**
 * Dormand and Prince 1980, order 5 with an error estimate of order 4, on a rectified flow, by scipy's
 * rules. The RectifiedFlow repository gives scipy the whole batch as one vector, so that images depend
 * on their batch mates; here each image has its own time and step size, and is what it would be alone.
 * The batch goes on until its slowest image is done.
 */
final class Rk45Sampler implements Sampler {
    private final TimeLabelRule rule;
    private final SamplerSettings settings;

    Rk45Sampler(TimeLabelRule rule, SamplerSettings settings) {
        this.rule = rule;
        this.settings = settings;
    }

    @Override
    public int steps(double strength) {
        return 0;
    }

    @Override
    public SamplingResult sample(Ops outer, Denoiser denoiser, SamplingRequest request) {
        try (Scope scope = outer.openScope()) {
            Rk45Run run = new Rk45Run(scope, rule, settings, denoiser, request);
            run.begin();
            while (!run.finished()) {
                run.step();
            }
            return new SamplingResult(scope.escape(run.latents()), run.evaluations());
        }
    }
}
