package dev.instaflow.examples.cli;

import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.GenerationRequest.CardPolicy;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How images are found. What is left out comes from the model's card. */
final class SamplingOptions {
    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Network steps. InstaFlow and the bundled model take exactly 1.")
    private Optional<Integer> steps;

    @Option(
            names = "--guidance",
            paramLabel = "S",
            description =
                    "Guidance scale; 1 or less is off. About 1.5 for 2-rectified flow, "
                            + "7.5 for sd15.")
    private Optional<Double> guidance;

    @Option(
            names = "--negative",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "What guidance leads away from.")
    private String negativePrompt;

    @Option(
            names = "--sampler",
            paramLabel = "NAME",
            converter = SamplerName.class,
            completionCandidates = SamplerLabels.class,
            description =
                    "One of ${COMPLETION-CANDIDATES}. Default: rf-euler for flows such "
                            + "as InstaFlow, ddim for the others.")
    private Optional<SamplerKind> sampler;

    @Option(names = "--width", paramLabel = "PIXELS", description = "Default: the model's.")
    private Optional<Integer> width;

    @Option(names = "--height", paramLabel = "PIXELS", description = "Default: the model's.")
    private Optional<Integer> height;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the first image; the next ones count up. Default: 0.")
    private long seed;

    @Option(
            names = "--batch",
            paramLabel = "N",
            description =
                    "Number of images. Each depends on its own seed alone, not on the "
                            + "batch. Default: 1, or as many as --noise holds.")
    private Optional<Integer> batch;

    @Option(
            names = "--noise-source",
            paramLabel = "NAME",
            defaultValue = "torch-cpu",
            converter = NoiseSourceName.class,
            description = "torch-cpu, torch-cuda or java. Default: torch-cpu.")
    private NoiseSource noiseSource;

    @Option(
            names = "--force",
            description = "Override the model's card, for example to run InstaFlow in 25 steps.")
    private boolean force;

    /** A request for {@code prompt}, without noise and images from files. */
    GenerationRequest request(String prompt) {
        return new GenerationRequest(
                prompt,
                negativePrompt,
                new GenerationRequest.Sampling(sampler, optional(steps), optionalDouble()),
                new GenerationRequest.Size(side("--width", width), side("--height", height)),
                new GenerationRequest.Seeds(seed, batch.orElse(1), noiseSource, Optional.empty()),
                Optional.empty(),
                force ? CardPolicy.OVERRIDE : CardPolicy.OBEY);
    }

    /** Images that were asked for, if a number was named. */
    OptionalInt batch() {
        return optional(batch);
    }

    private OptionalDouble optionalDouble() {
        return guidance.isPresent() ? OptionalDouble.of(guidance.get()) : OptionalDouble.empty();
    }

    private static OptionalInt optional(Optional<Integer> number) {
        return number.isPresent() ? OptionalInt.of(number.get()) : OptionalInt.empty();
    }

    /** 0 stands for the model's in a request, but nobody should type it. */
    private static int side(String option, Optional<Integer> pixels) {
        if (pixels.isPresent() && pixels.get() < 1) {
            throw new IllegalArgumentException(
                    option + " " + pixels.get() + ": expected 1 or more pixels");
        }
        return pixels.orElse(0);
    }

    /** Samplers by their labels. */
    private static final class SamplerName implements ITypeConverter<SamplerKind> {
        @Override
        public SamplerKind convert(String label) {
            try {
                return SamplerKind.of(label);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** For the help. */
    private static final class SamplerLabels implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(SamplerKind.values()).map(SamplerKind::label).iterator();
        }
    }

    /** Noise sources by their labels. */
    private static final class NoiseSourceName implements ITypeConverter<NoiseSource> {
        @Override
        public NoiseSource convert(String label) {
            try {
                return NoiseSource.of(label);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
