package dev.instaflow.checkpoint.layout;

/** Which of the weights that a training checkpoint holds. */
public enum WeightSet {
    /** The weights under the normal names: what a trainer continues from. */
    PLAIN,
    /**
     * The exponential moving average of the U-Net's weights, {@code model_ema.*}: what images are
     * made with. VAE and text encoder have none: they are not trained. Files called "ema only" hold
     * the average under the normal names: for them this is {@link #PLAIN}.
     */
    EMA;

    /**
     * What CompVis calls the average of a weight.
     *
     * @param plainName of a U-Net weight, {@code model.diffusion_model.out.0.bias}
     * @return {@code model_ema.diffusion_modelout0bias}
     */
    public static String averageName(String plainName) {
        return EmaWeights.emaName(plainName);
    }
}
