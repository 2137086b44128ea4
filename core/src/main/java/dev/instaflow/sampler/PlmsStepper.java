package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * DDIM's step with the noise extrapolated from up to four calls (Adams-Bashforth); the first step
 * averages the noise at both of its ends, so N steps make N+1 calls. CompVis' {@code PLMSSampler}.
 */
final class PlmsStepper implements Stepper {
    // Newest first.
    private static final double[][] ADAMS_BASHFORTH = {
        {3. / 2, -1. / 2},
        {23. / 12, -16. / 12, 5. / 12},
        {55. / 24, -59. / 24, 37. / 24, -9. / 24}
    };

    private final Grid grid;
    private final Network network;
    private final Deque<Tensor> earlier = new ArrayDeque<>();

    PlmsStepper(Grid grid, Network network) {
        this.grid = grid;
        this.network = network;
    }

    @Override
    public Tensor step(Scope scope, int i, Tensor x) {
        Ops ops = scope.ops();
        Tensor noise = network.noise(ops, x, grid.level(i), grid.label(i));
        Tensor result =
                transfer(ops, i, x, earlier.isEmpty() ? first(ops, i, x, noise) : next(ops, noise));
        earlier.addFirst(scope.escape(noise));
        if (earlier.size() > ADAMS_BASHFORTH.length) {
            earlier.removeLast().close();
        }
        return result;
    }

    private Tensor first(Ops ops, int i, Tensor x, Tensor noise) {
        // A run of a single step asks twice at its only label, as the original does.
        int ahead = Math.min(i + 1, grid.steps() - 1);
        Tensor there = transfer(ops, i, x, noise);
        Tensor noiseThere = network.noise(ops, there, grid.level(ahead), grid.label(ahead));
        return Network.sum(ops, new double[] {0.5, 0.5}, noise, noiseThere);
    }

    private Tensor next(Ops ops, Tensor noise) {
        Tensor[] all = new Tensor[earlier.size() + 1];
        all[0] = noise;
        int k = 1;
        for (Tensor tensor : earlier) {
            all[k++] = tensor;
        }
        return Network.sum(ops, ADAMS_BASHFORTH[earlier.size() - 1], all);
    }

    private Tensor transfer(Ops ops, int i, Tensor x, Tensor noise) {
        NoiseLevel level = grid.level(i);
        NoiseLevel next = grid.level(i + 1);
        double ratio = next.signal() / level.signal();
        double[] weights = {ratio, next.noise() - ratio * level.noise()};
        return Network.sum(ops, weights, x, noise);
    }
}
