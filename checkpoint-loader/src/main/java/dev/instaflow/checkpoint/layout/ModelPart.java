package dev.instaflow.checkpoint.layout;

/** The three networks of a Stable Diffusion model, and what each naming calls them. */
public enum ModelPart {
    /** The U-Net that is called at every step. */
    UNET("model.diffusion_model.", "unet"),
    /** The autoencoder between pixels and latents. */
    VAE("first_stage_model.", "vae"),
    /** CLIP's text encoder; below the prefix both namings say {@code text_model.*}. */
    TEXT("cond_stage_model.transformer.", "text_encoder");

    private final String compVisPrefix;
    private final String folder;

    ModelPart(String compVisPrefix, String folder) {
        this.compVisPrefix = compVisPrefix;
        this.folder = folder;
    }

    /**
     * What every CompVis name of this part begins with.
     *
     * @return for example {@code first_stage_model.}, with its dot
     */
    public String compVisPrefix() {
        return compVisPrefix;
    }

    /**
     * The folder of this part in a diffusers model.
     *
     * @return for example {@code text_encoder}
     */
    public String folder() {
        return folder;
    }

    /**
     * What every name of this part begins with in a checkpoint opened from a diffusers folder.
     *
     * @return for example {@code text_encoder.}, with its dot
     */
    public String diffusersPrefix() {
        return folder + ".";
    }
}
