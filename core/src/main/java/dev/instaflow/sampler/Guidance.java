package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;

/**
 * Classifier-free guidance: {@code negative + scale * (positive - negative)}, both halves in one
 * network call. Ho and Salimans 2022, "Classifier-Free Diffusion Guidance". On only where the scale is
 * above 1, as in the InstaFlow and diffusers pipelines: 0 and 1 both mean off.
 *
 * @param scale at least 0; 1 and below mean off
 */
public record Guidance(double scale) {
    /** The network as it is: the only right choice for InstaFlow. */
    public static final Guidance OFF = new Guidance(1);

    /** Checks the scale. */
    public Guidance {
        if (!(scale >= 0) || Double.isInfinite(scale)) {
            throw new IllegalArgumentException("guidance scale " + scale + " is not a number >= 0");
        }
    }

    /**
     * Whether negative contexts are needed at all.
     *
     * @return true if the scale is above 1
     */
    public boolean isOn() {
        return scale > 1;
    }

    /**
     * The guided network.
     *
     * @param network called with 2N samples if guidance is on, else with N and positive contexts
     * @return what a sampler takes
     */
    public Denoiser over(ConditionalDenoiser network) {
        if (!isOn()) {
            return (ops, latents, labels) ->
                    network.predict(ops, latents, labels, ConditionalDenoiser.Contexts.POSITIVE);
        }
        return (ops, latents, labels) -> guided(network, ops, latents, labels);
    }

    private Tensor guided(ConditionalDenoiser network, Ops outer, Tensor latents, float[] labels) {
        int n = labels.length;
        float[] twice = Arrays.copyOf(labels, 2 * n);
        System.arraycopy(labels, 0, twice, n, n);
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor both =
                    network.predict(
                            ops,
                            ops.concatBatch(latents, latents), // [2N,h,w,C]
                            twice,
                            ConditionalDenoiser.Contexts.NEGATIVE_THEN_POSITIVE);
            Tensor negative = ops.sliceBatch(both, 0, n); // [N,h,w,C]
            Tensor positive = ops.sliceBatch(both, n, 2L * n);
            float[][] weights = {{(float) (1 - scale)}, {(float) scale}};
            return scope.escape(ops.combine(weights, negative, positive));
        }
    }
}
