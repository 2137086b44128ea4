package dev.instaflow.train.objective;

import dev.instaflow.tensor.Shape;

/** How far pictures are from those that are wanted. */
public interface PictureDistance {
    /**
     * A distance.
     *
     * @param value at least 0, a mean over the pictures
     * @param gradient of the value with respect to the pictures
     */
    record Result(double value, float[] gradient) {}

    /**
     * Compares.
     *
     * @param shape [N,H,W,C]
     * @param pictures N of them, about -1..1, channels last; with four channels premultiplied RGBA
     * @param wanted as many
     * @return value and gradient
     */
    Result between(Shape shape, float[] pictures, float[] wanted);

    /**
     * What it is with all its parameters, in words that a checkpoint keeps.
     *
     * @return different for distances that differ
     */
    String description();
}
