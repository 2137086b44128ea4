package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/** {@code x + (sigma' - sigma) * eps}, or for flows {@code x + dt * v}: InstaFlow's step. */
final class EulerStepper implements Stepper {
    private final Grid grid;
    private final Network network;

    EulerStepper(Grid grid, Network network) {
        this.grid = grid;
        this.network = network;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        NoiseLevel level = grid.level(i);
        double change = network.position(grid.level(i + 1)) - network.position(level);
        Tensor slope = network.slope(ops, x, level, grid.label(i));
        return Network.sum(ops, new double[] {1, change}, x, slope);
    }
}
