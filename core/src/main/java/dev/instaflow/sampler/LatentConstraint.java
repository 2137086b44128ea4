package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.List;

/**
 * Changes the state between steps, the same way for every sampler: called for the start, after each
 * step, and for the end, with the level of noise that the state has.
 */
@FunctionalInterface
public interface LatentConstraint {
    /** Changes nothing. */
    LatentConstraint NONE = (ops, latents, levels) -> latents;

    /**
     * The state to go on with.
     *
     * @param ops owns the result
     * @param latents [N,h,w,C], the sampler's state, not modified
     * @param levels the level of each image; {@link NoiseLevel#CLEAN} after its last step
     * @return [N,h,w,C]; {@code latents} itself where nothing changes, which spares RK45 one network
     *     call a step
     */
    Tensor apply(Ops ops, Tensor latents, List<NoiseLevel> levels);
}
