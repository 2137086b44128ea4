package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/**
 * DPM-Solver++(2M), Lu et al. 2022, algorithm 2: exact for the linear part of the ODE, with the data
 * prediction extrapolated from two calls. The first step has order 1, and so has the last one of a run
 * of fewer than 15 steps ({@code lower_order_final}), which is what keeps few steps stable.
 */
final class DpmSolverStepper implements Stepper {
    private static final int FEW_STEPS = 15;

    private final Grid grid;
    private final Network network;
    private Tensor earlier;
    private double earlierStep;

    DpmSolverStepper(Grid grid, Network network) {
        this.grid = grid;
        this.network = network;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        NoiseLevel level = grid.level(i);
        NoiseLevel next = grid.level(i + 1);
        double h = next.lambda() - level.lambda();
        Tensor output = network.output(ops, x, level, grid.label(i));
        Prediction.Coefficients c = network.prediction().data(level);
        Tensor data = Network.sum(ops, new double[] {c.state(), c.output()}, x, output);
        double ofState = next.noise() / level.noise();
        double ofData = -next.signal() * Math.expm1(-h);
        boolean lowerFinal = i == grid.steps() - 1 && grid.steps() < FEW_STEPS;
        Tensor result;
        if (earlier == null || lowerFinal) {
            result = Network.sum(ops, new double[] {ofState, ofData}, x, data);
        } else {
            double slope = ofData * h / (2 * earlierStep);
            double[] weights = {ofState, ofData + slope, -slope};
            result = Network.sum(ops, weights, x, data, earlier);
        }
        remember(scope.escape(data), h);
        return result;
    }

    private void remember(Tensor data, double h) {
        if (earlier != null) {
            earlier.close();
        }
        earlier = data;
        earlierStep = h;
    }
}
