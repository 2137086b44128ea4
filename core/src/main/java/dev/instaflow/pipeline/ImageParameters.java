package dev.instaflow.pipeline;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Everything that one image was made from; stands as JSON in the text chunk {@value #CHUNK} of its PNG.
 *
 * @param prompt what it shows
 * @param negativePrompt empty if there was none
 * @param sampler the sampler
 * @param steps number of steps
 * @param guidance guidance scale; 1 or less is off
 * @param width columns, in pixels
 * @param height rows, in pixels
 * @param seed of this image
 * @param noiseSource generator of the noise
 * @param strength of image-to-image, if it was that
 * @param inputs files that were read, by role: {@code initImage}, {@code mask}, {@code noise}
 * @param stamp what made it
 */
public record ImageParameters(
        String prompt,
        String negativePrompt,
        SamplerKind sampler,
        int steps,
        double guidance,
        int width,
        int height,
        long seed,
        NoiseSource noiseSource,
        OptionalDouble strength,
        Map<String, InputFile> inputs,
        Stamp stamp) {
    /** Keyword of the PNG text chunk. */
    public static final String CHUNK = "instaflow";

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A file that an image was made from.
     *
     * @param path as the user named it
     * @param sha256 of its content, in hexadecimal
     */
    public record InputFile(String path, String sha256) {}

    /**
     * What made an image.
     *
     * @param model the model's name
     * @param weightsSha256 of its file or files, in hexadecimal
     * @param weights which of the weights in them
     * @param version of this library
     * @param backend as it describes itself
     */
    public record Stamp(
            String model,
            String weightsSha256,
            WeightSet weights,
            String version,
            String backend) {}

    /** Takes a copy of the inputs. */
    public ImageParameters {
        // Sorted, so that the same parameters are the same JSON, and the same PNG, in every run.
        inputs = Collections.unmodifiableMap(new TreeMap<>(inputs));
    }

    /**
     * Notes files that the caller has read for the request.
     *
     * @param files by role
     * @return a changed copy
     */
    public ImageParameters withInputs(Map<String, InputFile> files) {
        return new ImageParameters(
                prompt,
                negativePrompt,
                sampler,
                steps,
                guidance,
                width,
                height,
                seed,
                noiseSource,
                strength,
                files,
                stamp);
    }

    /**
     * The request that makes the image again, without init image, mask and given noise: the caller has
     * to read {@link #inputs()}. It overrides the card, as the first request may have done.
     *
     * @return a request for one image
     */
    public GenerationRequest toRequest() {
        return GenerationRequest.of(prompt)
                .withNegativePrompt(negativePrompt)
                .withSampler(sampler)
                .withSteps(steps)
                .withGuidance(guidance)
                .withSize(width, height)
                .withSeed(seed)
                .withNoiseSource(noiseSource)
                .withCardPolicy(GenerationRequest.CardPolicy.OVERRIDE);
    }

    /**
     * As one line of JSON.
     *
     * @return what {@link #fromJson} reads
     */
    public String toJson() {
        ObjectNode root = JSON.createObjectNode();
        root.put("prompt", prompt).put("negativePrompt", negativePrompt);
        root.put("sampler", sampler.label()).put("steps", steps).put("guidance", guidance);
        root.put("width", width).put("height", height);
        root.put("seed", seed).put("noiseSource", noiseSource.label());
        strength.ifPresent(value -> root.put("strength", value));
        if (!inputs.isEmpty()) {
            ObjectNode files = root.putObject("inputs");
            inputs.forEach(
                    (role, file) ->
                            files.putObject(role)
                                    .put("path", file.path())
                                    .put("sha256", file.sha256()));
        }
        root.put("model", stamp.model()).put("weightsSha256", stamp.weightsSha256());
        root.put("weights", stamp.weights().name().toLowerCase(Locale.ROOT));
        root.put("version", stamp.version()).put("backend", stamp.backend());
        return root.toString();
    }

    /**
     * Reads parameters back.
     *
     * @param json from {@link #toJson}
     * @return the parameters
     * @throws IllegalArgumentException if it is something else; the message names the key
     */
    public static ImageParameters fromJson(String json) {
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("image parameters are not JSON", e);
        }
        Map<String, InputFile> inputs = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> file : root.path("inputs").properties()) {
            inputs.put(
                    file.getKey(),
                    new InputFile(text(file.getValue(), "path"), text(file.getValue(), "sha256")));
        }
        return new ImageParameters(
                text(root, "prompt"),
                text(root, "negativePrompt"),
                SamplerKind.of(text(root, "sampler")),
                (int) number(root, "steps"),
                root.path("guidance").asDouble(),
                (int) number(root, "width"),
                (int) number(root, "height"),
                number(root, "seed"),
                NoiseSource.of(text(root, "noiseSource")),
                root.has("strength")
                        ? OptionalDouble.of(root.get("strength").asDouble())
                        : OptionalDouble.empty(),
                inputs,
                new Stamp(
                        text(root, "model"),
                        text(root, "weightsSha256"),
                        weights(text(root, "weights")),
                        text(root, "version"),
                        text(root, "backend")));
    }

    private static WeightSet weights(String name) {
        for (WeightSet set : WeightSet.values()) {
            if (set.name().toLowerCase(Locale.ROOT).equals(name)) {
                return set;
            }
        }
        throw new IllegalArgumentException(
                "image parameters: \"weights\" is \"" + name + "\", expected plain or ema");
    }

    private static String text(JsonNode node, String key) {
        if (!node.path(key).isTextual()) {
            throw new IllegalArgumentException("image parameters lack the text \"" + key + '"');
        }
        return node.get(key).asText();
    }

    private static long number(JsonNode node, String key) {
        if (!node.path(key).isIntegralNumber()) {
            throw new IllegalArgumentException("image parameters lack the number \"" + key + '"');
        }
        return node.get(key).asLong();
    }
}
