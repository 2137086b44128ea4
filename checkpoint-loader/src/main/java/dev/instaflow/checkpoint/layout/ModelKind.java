package dev.instaflow.checkpoint.layout;

/** What a model file is, as far as its tensors and the text beside them tell. */
public enum ModelKind {
    /** All or several parts of an SD 1.x layout, of any sizes; nothing says that it is a flow. */
    STABLE_DIFFUSION_1("Stable Diffusion 1.x layout (InstaFlow's tensors look the same)"),
    /** The same layout, and something beside the tensors says that it is a rectified flow. */
    INSTAFLOW("InstaFlow or another rectified flow, in Stable Diffusion 1.x layout"),
    /** A U-Net that reads 1024-channel text states. */
    STABLE_DIFFUSION_2("Stable Diffusion 2.x"),
    /** A U-Net that is also conditioned on a vector, or two text encoders. */
    STABLE_DIFFUSION_XL("Stable Diffusion XL"),
    /** A U-Net of 9 input channels: latent, mask and masked latent. */
    INPAINTING("Stable Diffusion for inpainting"),
    /** A U-Net without the other parts. */
    UNET_ONLY("a U-Net alone"),
    /** An autoencoder without the other parts. */
    VAE_ONLY("a VAE alone"),
    /** A text encoder without the other parts. */
    TEXT_ENCODER_ONLY("a text encoder alone"),
    /** Low-rank changes to another model's weights. */
    LORA("a LoRA: changes to another model, not a model"),
    /** None of these. */
    UNKNOWN("tensors of no known model");

    private final String description;

    ModelKind(String description) {
        this.description = description;
    }

    /**
     * In words.
     *
     * @return a noun phrase
     */
    public String description() {
        return description;
    }

    /**
     * Whether the tensors are those of the architecture that this library runs, so that they can be
     * checked against it.
     *
     * @return false for SD 2.x, SDXL, LoRA and unknown tensors
     */
    public boolean hasKnownTensors() {
        return switch (this) {
            case STABLE_DIFFUSION_2, STABLE_DIFFUSION_XL, LORA, UNKNOWN -> false;
            default -> true;
        };
    }
}
