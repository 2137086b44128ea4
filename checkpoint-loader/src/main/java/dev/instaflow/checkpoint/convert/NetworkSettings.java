package dev.instaflow.checkpoint.convert;

/**
 * What a diffusers configuration says of a model and its tensors do not.
 *
 * @param unetHeads attention heads of the U-Net
 * @param textHeads attention heads of the text encoder
 * @param unetNormGroups groups of the U-Net's GroupNorm
 * @param vaeNormGroups groups of the VAE's GroupNorm
 * @param latentScale factor between the VAE's latents and the U-Net's
 */
public record NetworkSettings(
        int unetHeads, int textHeads, int unetNormGroups, int vaeNormGroups, double latentScale) {
    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a number is not positive
     */
    public NetworkSettings {
        if (Math.min(Math.min(unetHeads, textHeads), Math.min(unetNormGroups, vaeNormGroups)) < 1
                || !(latentScale > 0)) {
            throw new IllegalArgumentException(
                    "heads %d and %d, groups %d and %d, latent scale %s; expected positive numbers"
                            .formatted(
                                    unetHeads,
                                    textHeads,
                                    unetNormGroups,
                                    vaeNormGroups,
                                    latentScale));
        }
    }

    /**
     * Those of Stable Diffusion 1.x and InstaFlow.
     *
     * @return 8 and 12 heads, 32 groups, 0.18215
     */
    public static NetworkSettings sd15() {
        return new NetworkSettings(8, 12, 32, 32, 0.18215);
    }
}
