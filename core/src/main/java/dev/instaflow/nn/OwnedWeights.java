package dev.instaflow.nn;

import dev.instaflow.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The weights of one model, by key and in file order; owns them. The tensors are thread-safe to read. */
public final class OwnedWeights implements AutoCloseable {
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    OwnedWeights() {}

    void add(String name, Tensor tensor) {
        tensors.put(name, tensor);
    }

    Tensor get(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalStateException(
                    "weight \"" + name + "\" was not announced before loading");
        }
        return tensor;
    }

    /**
     * The tensors, by the key that they have in a file, without the model's prefix.
     *
     * @return a read-only view, in file order
     */
    public Map<String, Tensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** Frees all of them; a second call does nothing. */
    @Override
    public void close() {
        tensors.values().forEach(tensor -> tensor.close("its model was closed"));
    }
}
