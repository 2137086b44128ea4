package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/** Euler's step, then the mean of the slopes at both of its ends; plain Euler where a
 * diffusion has no noise left. */
final class HeunStepper implements Stepper {
    private final Grid grid;
    private final Network network;

    HeunStepper(Grid grid, Network network) {
        this.grid = grid;
        this.network = network;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        NoiseLevel level = grid.level(i);
        NoiseLevel next = grid.level(i + 1);
        double change = network.position(next) - network.position(level);
        Tensor slope = network.slope(ops, x, level, grid.label(i));
        Tensor ahead = Network.sum(ops, new double[] {1, change}, x, slope);
        if (!network.hasSlopeAt(next)) {
            return ahead;
        }
        Tensor slopeAhead = network.slope(ops, ahead, next, grid.label(i + 1));
        return Network.sum(ops, new double[] {1, change / 2, change / 2}, x, slope, slopeAhead);
    }
}
