package dev.instaflow.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.sampler.NoiseSchedule;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.sampler.SamplingTraits;
import dev.instaflow.sampler.TimeLabelRule;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Reads a model card from JSON: {@code name, description, license, prediction (flow|epsilon|v), timeLabel
 * (instaflow|rectified-flow-repo), latentScale, allowedSteps {min,max,default}, guidance {max,default},
 * imageSize [height,width], color (rgb|rgba-premultiplied)}.
 */
public final class ModelCardReader {
    private static final Map<String, TimeLabelRule> RULES =
            Map.of(
                    "instaflow", TimeLabelRule.INSTAFLOW,
                    "rectified-flow-repo", TimeLabelRule.RECTIFIED_FLOW_REPO);
    private static final Map<String, ColorFormat> COLORS =
            Map.of("rgb", ColorFormat.RGB, "rgba-premultiplied", ColorFormat.RGBA_PREMULTIPLIED);

    private final JsonNode root;

    private ModelCardReader(JsonNode root) {
        this.root = root;
    }

    /**
     * Whether a JSON document is meant as a model card.
     *
     * @param root the document
     * @return true if it has the one key that every card has
     */
    public static boolean looksLikeCard(JsonNode root) {
        return root.isObject() && root.hasNonNull("prediction");
    }

    /**
     * Reads a card.
     *
     * @param source the file, for messages
     * @param root its content
     * @return the card
     * @throws CheckpointFormatException if a key is missing or its value is out of range
     */
    public static ModelCard read(String source, JsonNode root) throws CheckpointFormatException {
        try {
            return new ModelCardReader(root).card();
        } catch (IllegalArgumentException e) {
            throw new CheckpointFormatException(source + ": model card: " + e.getMessage(), e);
        }
    }

    private ModelCard card() {
        return new ModelCard(
                new Identity(
                        text(root, "name"),
                        root.path("description").asText(""),
                        root.path("license").asText("unknown")),
                traits(),
                new LatentScale(number(root, "latentScale")),
                limits(),
                image());
    }

    private SamplingTraits traits() {
        Map<String, Prediction> predictions =
                Arrays.stream(Prediction.values())
                        .collect(Collectors.toMap(Prediction::label, Function.identity()));
        Prediction prediction = choice("prediction", predictions);
        TimeLabelRule rule =
                prediction == Prediction.FLOW
                        ? choice("timeLabel", RULES)
                        : TimeLabelRule.INSTAFLOW;
        return new SamplingTraits(prediction, rule, NoiseSchedule.STABLE_DIFFUSION);
    }

    private RequestLimits limits() {
        JsonNode steps = object("allowedSteps");
        JsonNode guidance = object("guidance");
        return new RequestLimits(
                integer(steps, "min"),
                integer(steps, "max"),
                integer(steps, "default"),
                number(guidance, "max"),
                number(guidance, "default"));
    }

    private ImageTraits image() {
        JsonNode size = root.path("imageSize");
        if (!size.isArray() || size.size() != 2) {
            throw new IllegalArgumentException("imageSize should be [height, width]");
        }
        return new ImageTraits(size.get(1).asInt(), size.get(0).asInt(), choice("color", COLORS));
    }

    private <T> T choice(String key, Map<String, T> values) {
        String found = text(root, key).toLowerCase(Locale.ROOT);
        T value = values.get(found);
        if (value == null) {
            throw new IllegalArgumentException(
                    "%s is \"%s\"; expected one of %s"
                            .formatted(key, found, values.keySet().stream().sorted().toList()));
        }
        return value;
    }

    private JsonNode object(String key) {
        JsonNode node = root.path(key);
        if (!node.isObject()) {
            throw new IllegalArgumentException(key + " should be an object");
        }
        return node;
    }

    private static String text(JsonNode node, String key) {
        if (!node.path(key).isTextual()) {
            throw new IllegalArgumentException(key + " should be a string");
        }
        return node.get(key).asText();
    }

    private static double number(JsonNode node, String key) {
        if (!node.path(key).isNumber()) {
            throw new IllegalArgumentException(key + " should be a number");
        }
        return node.get(key).asDouble();
    }

    private static int integer(JsonNode node, String key) {
        if (!node.path(key).canConvertToInt() || !node.path(key).isIntegralNumber()) {
            throw new IllegalArgumentException(key + " should be a whole number");
        }
        return node.get(key).asInt();
    }
}
