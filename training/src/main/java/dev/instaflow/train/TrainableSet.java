package dev.instaflow.train;

import dev.instaflow.checkpoint.layout.ModelPart;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which weights a run changes; the others are frozen, and no gradients are computed for them.
 *
 * @param name as configurations and messages have it
 * @param weights takes CompVis names with the prefix of their part
 */
public record TrainableSet(String name, Predicate<String> weights) {
    /** The encoder's side of an autoencoder; all else is the decoder's. */
    private static final List<String> ENCODER =
            List.of(
                    ModelPart.VAE.compVisPrefix() + "encoder.",
                    ModelPart.VAE.compVisPrefix() + "quant_conv.");

    /** What Emojich freezes, as the UNet and CLIP call it. */
    private static final List<String> SELF_ATTENTION_AND_FEED_FORWARD =
            List.of(".attn1.", ".ff.", ".self_attn.", ".mlp.");

    /** Everything of the UNet and the text encoder. */
    public static final TrainableSet FULL =
            new TrainableSet("full", name -> is(ModelPart.UNET, name) || is(ModelPart.TEXT, name));

    /** The UNet alone. */
    public static final TrainableSet UNET =
            new TrainableSet("unet", name -> is(ModelPart.UNET, name));

    /** The text encoder alone, as for captions in another language. */
    public static final TrainableSet TEXT =
            new TrainableSet("text", name -> is(ModelPart.TEXT, name));

    /** The four projections where the UNet attends to the text. */
    public static final TrainableSet CROSS_ATTENTION =
            new TrainableSet(
                    "cross-attention",
                    name -> is(ModelPart.UNET, name) && name.contains(".attn2."));

    /**
     * UNet and text encoder without their self-attention and feed-forward layers: the rule by which Emojich
     * (arXiv 2112.02448) keeps what its base model knows. That model is one transformer; here convolutions,
     * attention to the text, norms and embeddings are what remains.
     */
    public static final TrainableSet EMOJICH =
            new TrainableSet(
                    "emojich",
                    name ->
                            FULL.contains(name)
                                    && SELF_ATTENTION_AND_FEED_FORWARD.stream()
                                            .noneMatch(name::contains));

    /** The whole autoencoder. */
    public static final TrainableSet VAE = new TrainableSet("vae", name -> is(ModelPart.VAE, name));

    /** The autoencoder's decoder: latents stay what they were, so that a UNet still fits. */
    public static final TrainableSet VAE_DECODER =
            new TrainableSet(
                    "vae-decoder",
                    name -> VAE.contains(name) && ENCODER.stream().noneMatch(name::startsWith));

    private static final List<TrainableSet> KNOWN =
            List.of(FULL, UNET, TEXT, CROSS_ATTENTION, EMOJICH, VAE, VAE_DECODER);

    /**
     * One of the sets above.
     *
     * @param name such as {@code cross-attention}
     * @return the set
     * @throws IllegalArgumentException if there is none of that name; the message lists them
     */
    public static TrainableSet named(String name) {
        Optional<TrainableSet> found = KNOWN.stream().filter(s -> s.name.equals(name)).findFirst();
        return found.orElseThrow(
                () ->
                        new IllegalArgumentException(
                                "no trainable set \"%s\"; there are %s"
                                        .formatted(
                                                name,
                                                KNOWN.stream()
                                                        .map(TrainableSet::name)
                                                        .collect(Collectors.joining(", ")))));
    }

    /**
     * The weights in whose names a pattern is found.
     *
     * @param name for messages
     * @param pattern looked for in CompVis names
     * @return the set
     */
    public static TrainableSet matching(String name, Pattern pattern) {
        return new TrainableSet(name, pattern.asPredicate());
    }

    /**
     * Whether a weight is trained.
     *
     * @param weight its CompVis name with the prefix of its part
     * @return false if it is frozen
     */
    public boolean contains(String weight) {
        return weights.test(weight);
    }

    private static boolean is(ModelPart part, String name) {
        return name.startsWith(part.compVisPrefix());
    }
}
