package dev.instaflow.backend;

import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;

/**
 * A backend that also computes gradients and takes new values for weights; open it with {@link
 * WeightStorage#TRAINABLE}.
 */
public interface TrainingBackend extends Backend {
    /**
     * The backward operations whose results belong to the scope of some operations.
     *
     * @param ops of one of this backend's scopes
     * @return for the same thread and life span
     * @throws IllegalArgumentException if {@code ops} are not this backend's
     */
    GradOps gradients(Ops ops);

    /**
     * Gives a weight new values, in the form that it was uploaded in. Nothing else may use the weight
     * meanwhile: only an optimiser calls this, between steps.
     *
     * @param weight made by {@link #upload}
     * @param values in the order of the file, as many as the weight has
     * @throws IOException if {@code values} cannot be read
     */
    void update(Tensor weight, FloatSource values) throws IOException;
}
