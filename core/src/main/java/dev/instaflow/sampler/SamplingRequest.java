package dev.instaflow.sampler;

import dev.instaflow.tensor.Tensor;
import java.util.Objects;

/**
 * One run of a sampler.
 *
 * @param start where it begins
 * @param stepNoise fresh noise, for the samplers that add some
 * @param constraint changes the state between steps
 * @param listener told after each step
 */
public record SamplingRequest(
        SamplingStart start,
        StepNoise stepNoise,
        LatentConstraint constraint,
        StepListener listener) {
    /** Checks that all are there. */
    public SamplingRequest {
        Objects.requireNonNull(start, "start");
        Objects.requireNonNull(stepNoise, "stepNoise");
        Objects.requireNonNull(constraint, "constraint");
        Objects.requireNonNull(listener, "listener");
    }

    /**
     * From noise, unconstrained and unheard.
     *
     * @param noise [N,h,w,C], variance 1
     * @param stepNoise the streams that {@code noise} came from, usually
     * @return the request
     */
    public static SamplingRequest fromNoise(Tensor noise, StepNoise stepNoise) {
        return new SamplingRequest(
                new SamplingStart.Noise(noise),
                stepNoise,
                LatentConstraint.NONE,
                StepListener.NONE);
    }

    /**
     * From an image, unconstrained and unheard.
     *
     * @param image [N,h,w,C] latents
     * @param noise [N,h,w,C], variance 1
     * @param strength in (0,1], see {@link SamplingStart.Image}
     * @param stepNoise the streams that {@code noise} came from, usually
     * @return the request
     */
    public static SamplingRequest fromImage(
            Tensor image, Tensor noise, double strength, StepNoise stepNoise) {
        return new SamplingRequest(
                new SamplingStart.Image(image, noise, strength),
                stepNoise,
                LatentConstraint.NONE,
                StepListener.NONE);
    }

    /**
     * The same with a constraint.
     *
     * @param newConstraint such as {@link KnownRegion}
     * @return a copy
     */
    public SamplingRequest withConstraint(LatentConstraint newConstraint) {
        return new SamplingRequest(start, stepNoise, newConstraint, listener);
    }

    /**
     * The same with a listener.
     *
     * @param newListener told after each step
     * @return a copy
     */
    public SamplingRequest withListener(StepListener newListener) {
        return new SamplingRequest(start, stepNoise, constraint, newListener);
    }
}
