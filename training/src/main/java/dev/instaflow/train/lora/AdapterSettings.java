package dev.instaflow.train.lora;

import dev.instaflow.train.TrainableSet;
import java.util.regex.Pattern;

/**
 * Which weights get an adapter, and of what size.
 *
 * @param rank the inner size
 * @param alpha the scale times the rank
 * @param targets of the UNet's and the text encoder's matrices and kernels
 * @param seed of the first values
 */
public record AdapterSettings(int rank, double alpha, TrainableSet targets, long seed) {
    /** The projections of the UNet's attention: what diffusers' scripts train. */
    public static final TrainableSet ATTENTION =
            TrainableSet.matching(
                    "lora-attention",
                    Pattern.compile("^model\\.diffusion_model\\..*\\.attn[12]\\.to_"));

    /**
     * Everything linear in the UNet's transformers and in the text encoder's layers: what kohya's scripts train
     * without {@code conv_dim}.
     */
    public static final TrainableSet TRANSFORMERS =
            TrainableSet.matching(
                    "lora-transformers",
                    Pattern.compile(
                            "^model\\.diffusion_model\\..*(\\.transformer_blocks\\.|\\.proj_(in|out)\\.)"
                                    + "|^cond_stage_model\\..*\\.layers\\."));

    /** Checks the numbers. */
    public AdapterSettings {
        if (rank < 1 || !(alpha > 0) || !Double.isFinite(alpha)) {
            throw new IllegalArgumentException(
                    "LoRA of rank %d with alpha %s; both must be above 0".formatted(rank, alpha));
        }
    }
}
