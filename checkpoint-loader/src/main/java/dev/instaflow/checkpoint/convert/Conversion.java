package dev.instaflow.checkpoint.convert;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.layout.WeightSet;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What shall be converted into what.
 *
 * @param input a model file or folder
 * @param output where the result shall be
 * @param target what the result shall be
 * @param dtype element type of all weights; empty to keep each as it is
 * @param weights which of the input's weights
 * @param overwrite what happens to something that is at the output
 * @param settings what tensors do not tell, for a diffusers folder's configuration; empty to take it
 *     from the input's configuration or card, or else to assume Stable Diffusion's
 */
public record Conversion(
        Path input,
        Path output,
        Target target,
        Optional<DType> dtype,
        WeightSet weights,
        Overwrite overwrite,
        Optional<NetworkSettings> settings) {
    /**
     * Checks that the element type is one of those that models are published in.
     *
     * @throws IllegalArgumentException if {@code dtype} is none of F32, F16, BF16
     */
    public Conversion {
        dtype.ifPresent(Conversion::requireWeightType);
    }

    /**
     * A conversion of the plain weights as they are, into what the output's name asks for.
     *
     * @param input a model file or folder
     * @param output a path that ends in {@code .ckpt} or {@code .safetensors}, or a folder's
     * @return settings to be refined by the {@code with} methods
     * @throws IllegalArgumentException if the output's ending is another one
     */
    public static Conversion of(Path input, Path output) {
        return of(input, output, Target.of(output));
    }

    /**
     * A conversion of the plain weights as they are.
     *
     * @param input a model file or folder
     * @param output where the result shall be
     * @param target what the result shall be, whatever the output is called
     * @return settings to be refined by the {@code with} methods
     */
    public static Conversion of(Path input, Path output, Target target) {
        return new Conversion(
                input,
                output,
                target,
                Optional.empty(),
                WeightSet.PLAIN,
                Overwrite.REFUSE,
                Optional.empty());
    }

    /**
     * The same with all weights of one element type.
     *
     * @param newType F32, F16 or BF16; rounded to nearest, ties to even
     * @return a copy
     */
    public Conversion withDtype(DType newType) {
        return new Conversion(
                input, output, target, Optional.of(newType), weights, overwrite, settings);
    }

    /**
     * The same of another weight set.
     *
     * @param newWeights {@link WeightSet#EMA} for the averaged weights
     * @return a copy
     */
    public Conversion withWeights(WeightSet newWeights) {
        return new Conversion(input, output, target, dtype, newWeights, overwrite, settings);
    }

    /**
     * The same with another treatment of what is there.
     *
     * @param newOverwrite {@link Overwrite#REPLACE} to let it go
     * @return a copy
     */
    public Conversion withOverwrite(Overwrite newOverwrite) {
        return new Conversion(input, output, target, dtype, weights, newOverwrite, settings);
    }

    /**
     * The same with the settings that tensors do not tell.
     *
     * @param newSettings for the configuration of a diffusers folder
     * @return a copy
     */
    public Conversion withSettings(NetworkSettings newSettings) {
        return new Conversion(
                input, output, target, dtype, weights, overwrite, Optional.of(newSettings));
    }

    private static void requireWeightType(DType dtype) {
        switch (dtype) {
            case F32, F16, BF16 -> {}
            default ->
                    throw new IllegalArgumentException(
                            "weights as " + dtype + "; expected F32, F16 or BF16");
        }
    }
}
