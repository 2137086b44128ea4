package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/** The mean of the velocities at both ends of Euler's step. */
final class FlowHeunStepper implements Stepper {
    private final Grid grid;
    private final Network network;

    FlowHeunStepper(Grid grid, Network network) {
        this.grid = grid;
        this.network = network;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        double dt = grid.level(i + 1).signal() - grid.level(i).signal();
        Tensor here = network.output(ops, x, grid.level(i), grid.label(i));
        Tensor ahead = Network.sum(ops, new double[] {1, dt}, x, here);
        Tensor there = network.output(ops, ahead, grid.level(i + 1), grid.label(i + 1));
        return Network.sum(ops, new double[] {1, dt / 2, dt / 2}, x, here, there);
    }
}
