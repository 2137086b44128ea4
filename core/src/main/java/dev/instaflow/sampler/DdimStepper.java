package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/** Song et al. 2020, eq. 12, with sigma of eq. 16 times eta. */
final class DdimStepper implements Stepper {
    private final Grid grid;
    private final Network network;
    private final double eta;
    private final StepNoise fresh;

    DdimStepper(Grid grid, Network network, double eta, StepNoise fresh) {
        this.grid = grid;
        this.network = network;
        this.eta = eta;
        this.fresh = fresh;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        NoiseLevel level = grid.level(i);
        NoiseLevel next = grid.level(i + 1);
        double added = eta * addedAtEtaOne(level, next);
        double kept = Math.sqrt(Math.max(0, next.noise() * next.noise() - added * added));
        Tensor output = network.output(ops, x, level, grid.label(i));
        Prediction.Coefficients data = network.prediction().data(level);
        Prediction.Coefficients noise = network.prediction().noise(level);
        double ofState = next.signal() * data.state() + kept * noise.state();
        double ofOutput = next.signal() * data.output() + kept * noise.output();
        if (added == 0) {
            return Network.sum(ops, new double[] {ofState, ofOutput}, x, output);
        }
        double[] weights = {ofState, ofOutput, added};
        return Network.sum(ops, weights, x, output, fresh.next(ops, x.shape()));
    }

    /** The standard deviation of the noise that makes the step one of DDPM's. */
    static double addedAtEtaOne(NoiseLevel level, NoiseLevel next) {
        double ratio = level.signal() / next.signal();
        return next.noise() / level.noise() * Math.sqrt(Math.max(0, 1 - ratio * ratio));
    }
}
