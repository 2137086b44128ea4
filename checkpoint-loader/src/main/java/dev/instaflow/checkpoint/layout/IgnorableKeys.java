package dev.instaflow.checkpoint.layout;

import java.util.List;
import java.util.Set;

/**
 * Tensors that files hold and no network needs: not missed where they are missing, not in the way
 * where they are present.
 *
 * <ul>
 *   <li>the 12 buffers of the diffusion schedule, recomputed from the schedule (in half precision
 *       they are wrong);
 *   <li>{@code position_ids}, which is 0, 1, 2, …;
 *   <li>{@code model_ema.*}, the other weight set;
 *   <li>scalars of the training objective: {@code logvar}, {@code lvlb_weights}, {@code
 *       scale_factor}, {@code logit_scale};
 *   <li>the VAE's discriminator {@code first_stage_model.loss.*}, and {@code loss.*} of a VAE alone;
 *   <li>the rest of CLIP: {@code text_projection}, {@code visual_projection}, {@code
 *       vision_model.*};
 *   <li>the safety checker.
 * </ul>
 */
public final class IgnorableKeys {
    private static final Set<String> SCHEDULE =
            Set.of(
                    "betas",
                    "alphas_cumprod",
                    "alphas_cumprod_prev",
                    "sqrt_alphas_cumprod",
                    "sqrt_one_minus_alphas_cumprod",
                    "log_one_minus_alphas_cumprod",
                    "sqrt_recip_alphas_cumprod",
                    "sqrt_recipm1_alphas_cumprod",
                    "posterior_variance",
                    "posterior_log_variance_clipped",
                    "posterior_mean_coef1",
                    "posterior_mean_coef2");
    private static final Set<String> SCALARS = Set.of("logvar", "lvlb_weights", "scale_factor");
    private static final List<String> PREFIXES =
            List.of(
                    EmaWeights.PREFIX,
                    "first_stage_model.loss.",
                    "loss.",
                    "safety_checker.",
                    "vision_model.",
                    "cond_stage_model.transformer.vision_model.");
    private static final List<String> LAST_SEGMENTS =
            List.of(
                    "position_ids",
                    "logit_scale",
                    "text_projection",
                    "text_projection.weight",
                    "visual_projection.weight");

    private IgnorableKeys() {}

    /**
     * Whether a tensor may be present or missing without a word.
     *
     * @param name a name of a {@link CompVisView}
     * @return true if no network needs it
     */
    public static boolean contains(String name) {
        return isScheduleBuffer(name)
                || SCALARS.contains(name)
                || PREFIXES.stream().anyMatch(name::startsWith)
                || LAST_SEGMENTS.stream().anyMatch(s -> name.equals(s) || name.endsWith("." + s));
    }

    /**
     * Whether a tensor is one of the 12 buffers of the diffusion schedule.
     *
     * @param name a name of a {@link CompVisView}
     * @return true for {@code betas}, {@code alphas_cumprod}, …
     */
    public static boolean isScheduleBuffer(String name) {
        return SCHEDULE.contains(name);
    }
}
