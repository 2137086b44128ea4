package dev.instaflow.train.data;

import dev.instaflow.backend.Backend;
import dev.instaflow.nn.OwnedWeights;
import dev.instaflow.ops.Scope;
import java.util.function.Predicate;

/** What tells the weights of a network from others: its values, whatever file they came in. */
public final class WeightsDigest {
    private WeightsDigest() {}

    /**
     * Reads all weights.
     *
     * @param backend that holds them
     * @param weights of a network
     * @return SHA-256 of names, shapes and F32 values, in hexadecimal
     */
    public static String of(Backend backend, OwnedWeights weights) {
        return of(backend, weights, name -> true);
    }

    /**
     * Reads some weights.
     *
     * @param backend that holds them
     * @param weights of a network
     * @param wanted which, by their keys
     * @return SHA-256 of names, shapes and F32 values, in hexadecimal
     */
    public static String of(Backend backend, OwnedWeights weights, Predicate<String> wanted) {
        ContentDigest digest = new ContentDigest();
        weights.tensors()
                .forEach(
                        (name, tensor) -> {
                            if (!wanted.test(name)) {
                                return;
                            }
                            try (Scope scope = backend.openScope("digest")) {
                                digest.add(name).add(tensor.shape());
                                digest.add(scope.ops().toArray(tensor));
                            }
                        });
        return digest.hex();
    }
}
