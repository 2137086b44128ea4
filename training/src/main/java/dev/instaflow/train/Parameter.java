package dev.instaflow.train;

import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * A weight under training: the backend's packed copy that networks compute with, and the F32 master that
 * an optimiser changes. {@link Parameters#upload} brings one to the other.
 */
public final class Parameter {
    private final String name;
    private final Shape shape;
    private final Tensor tensor;
    private final float[] values;
    private final float[] gradient;

    Parameter(String name, Shape shape, Tensor tensor, float[] values) {
        this.name = name;
        this.shape = shape;
        this.tensor = tensor;
        this.values = values;
        this.gradient = new float[values.length];
    }

    /**
     * The key in a CompVis checkpoint.
     *
     * @return with the prefix of its part
     */
    public String name() {
        return name;
    }

    /**
     * The sizes in a file.
     *
     * @return for a 1x1 kernel [Co,Ci,1,1]
     */
    public Shape shape() {
        return shape;
    }

    /**
     * What the network computes with.
     *
     * @return owned by the model
     */
    public Tensor tensor() {
        return tensor;
    }

    /**
     * The master values.
     *
     * @return row-major, not a copy: an optimiser writes here
     */
    public float[] values() {
        return values;
    }

    /**
     * The gradient of the present step.
     *
     * @return row-major, not a copy: clipping writes here
     */
    public float[] gradient() {
        return gradient;
    }
}
