package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/**
 * An Euler step to below the next level, then as much fresh noise as leads back up to it: {@code
 * sample_euler_ancestral} of k-diffusion, eta 1.
 */
final class EulerAncestralStepper implements Stepper {
    private final Grid grid;
    private final Network network;
    private final StepNoise fresh;

    EulerAncestralStepper(Grid grid, Network network, StepNoise fresh) {
        this.grid = grid;
        this.network = network;
        this.fresh = fresh;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        NoiseLevel level = grid.level(i);
        double sigma = level.noise();
        double next = grid.level(i + 1).noise();
        double added = Math.sqrt(next * next * (sigma * sigma - next * next)) / sigma;
        double below = next * next / sigma;
        Tensor noise = network.noise(ops, x, level, grid.label(i));
        if (added == 0) {
            return Network.sum(ops, new double[] {1, below - sigma}, x, noise);
        }
        double[] weights = {1, below - sigma, added};
        return Network.sum(ops, weights, x, noise, fresh.next(ops, x.shape()));
    }
}
