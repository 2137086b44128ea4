package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.List;

/**
 * Layers one after the other, each input freed as soon as its output stands. A decoder's activations
 * are its peak memory, so no more than two of them are kept alive between layers.
 */
public final class Sequential {
    private Sequential() {}

    /**
     * Runs a chain.
     *
     * @param outer what to compute with
     * @param x the input of the first layer, not closed
     * @param layers in the order of application
     * @return the last output, owned by the scope of {@code outer}; {@code x} if there are no layers
     */
    public static Tensor run(Ops outer, Tensor x, List<? extends Layer> layers) {
        return run(outer, x, layers, layers.size());
    }

    /** The first {@code count} layers. */
    private static Tensor run(Ops outer, Tensor x, List<? extends Layer> layers, int count) {
        if (count == 0) {
            return x;
        }
        // From the end: the scope of a layer is what its input escapes to, and dies with the layer.
        try (Scope scope = outer.openScope()) {
            Tensor input = run(scope.ops(), x, layers, count - 1);
            return scope.escape(layers.get(count - 1).forward(scope.ops(), input));
        }
    }
}
