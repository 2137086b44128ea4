package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.List;

/**
 * Inpainting: a part of the image is known, and the state there is replaced at each step by the known
 * latents at the state's level of noise. {@code mask * (signal * known + noise * eps) + (1 - mask) * x}:
 * CompVis' convention, in which a mask of 1 keeps and 0 paints (user interfaces often have it the other
 * way round). As in diffusers, eps is the same at each step, and after the last step the known latents
 * come back exactly; CompVis draws new noise each time and leaves the last step's result.
 */
public final class KnownRegion implements LatentConstraint {
    private final Tensor known;
    private final Tensor noise;
    private final Tensor keep;
    private final Tensor paint;

    private KnownRegion(Tensor known, Tensor noise, Tensor keep, Tensor paint) {
        this.known = known;
        this.noise = noise;
        this.keep = keep;
        this.paint = paint;
    }

    /**
     * A constraint for one run; it lives as long as its tensors.
     *
     * @param ops owns what this makes; outlives the run
     * @param known [N,h,w,C] latents of the image
     * @param noise [N,h,w,C] noise, best the one that the run starts from
     * @param mask [N,h,w,C], 1 keeps the known latents, 0 paints, between mixes
     * @return the constraint
     * @throws IllegalArgumentException if the shapes differ or the mask leaves [0,1]
     */
    public static KnownRegion of(Ops ops, Tensor known, Tensor noise, Tensor mask) {
        if (!known.shape().equals(mask.shape()) || !known.shape().equals(noise.shape())) {
            throw new IllegalArgumentException(
                    "inpainting needs latents, noise and mask of one shape, got "
                            + known
                            + ", "
                            + noise
                            + " and "
                            + mask);
        }
        float[] painted = ops.toArray(mask);
        for (int i = 0; i < painted.length; i++) {
            if (!(painted[i] >= 0 && painted[i] <= 1)) {
                throw new IllegalArgumentException(
                        "mask "
                                + mask
                                + " has "
                                + painted[i]
                                + "; it must lie in [0,1], 1 keeps and 0 paints");
            }
            painted[i] = 1 - painted[i];
        }
        return new KnownRegion(known, noise, mask, ops.tensor("paint", mask.shape(), painted));
    }

    @Override
    public Tensor apply(Ops outer, Tensor latents, List<NoiseLevel> levels) {
        float[][] weights = new float[2][levels.size()];
        for (int n = 0; n < levels.size(); n++) {
            weights[0][n] = (float) levels.get(n).signal();
            weights[1][n] = (float) levels.get(n).noise();
        }
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor noisy = ops.combine(weights, known, noise);
            return scope.escape(ops.add(ops.multiply(keep, noisy), ops.multiply(paint, latents)));
        }
    }
}
