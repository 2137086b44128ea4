package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/** {@code x + dt * v}: InstaFlow's step. */
final class FlowEulerStepper implements Stepper {
    private final Grid grid;
    private final Network network;

    FlowEulerStepper(Grid grid, Network network) {
        this.grid = grid;
        this.network = network;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        double dt = grid.level(i + 1).signal() - grid.level(i).signal();
        Tensor velocity = network.output(ops, x, grid.level(i), grid.label(i));
        return Network.sum(ops, new double[] {1, dt}, x, velocity);
    }
}
