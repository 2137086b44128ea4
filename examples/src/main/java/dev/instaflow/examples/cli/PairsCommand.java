package dev.instaflow.examples.cli;

import dev.instaflow.train.recipe.Recipe.Preset;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes pairs of noises and what a teacher draws of them. */
@Command(
        name = "pairs",
        description = {
            "Have a teacher draw captions from many noises and keep noise and latent of each: what reflow and",
            "distillation learn from. May be stopped at any time; the same command makes what is missing.",
            "",
            "  instaflow pairs --teacher 1-flow.ckpt --data noto-64.tar.xz --seeds 8 --steps 12 "
                    + "--guidance 1.5 --run runs/pairs",
            ""
        },
        exitCodeList = {"0:done", "1:failed, or stopped and saved", "2:bad usage or bad input"})
final class PairsCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(
            names = "--teacher",
            paramLabel = "FILE",
            description = "A model with its card beside it, or the word bundled.")
    private Optional<String> teacher;

    @Option(
            names = "--data",
            paramLabel = "PATH",
            description = "A collection whose training captions are drawn. Several times.")
    private List<Path> data = List.of();

    @Option(names = "--seeds", paramLabel = "N", description = "Pairs of a caption. Default: 4.")
    private Optional<Integer> seeds;

    @Option(names = "--steps", paramLabel = "N", description = "Of the sampler. Default: 25.")
    private Optional<Integer> steps;

    @Option(
            names = "--guidance",
            paramLabel = "SCALE",
            description = "Of the teacher. Default: 1, which is none.")
    private Optional<Double> guidance;

    @Option(
            names = "--sampler",
            paramLabel = "NAME",
            description = "rf-euler, rf-heun, rk45, ddim, ... Default: rf-euler.")
    private Optional<String> sampler;

    @Option(
            names = "--segments",
            paramLabel = "K",
            description = "States that are kept of each way, to distill to K steps. Default: 1.")
    private Optional<Integer> segments;

    @Option(names = "--batch", paramLabel = "N", description = "Made at once. Default: 16.")
    private Optional<Integer> batch;

    @Mixin private RecipeOptions recipe;

    PairsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        List<String> options = new ArrayList<>();
        if (teacher.isPresent()) {
            options.add(RecipeOptions.model("pairs.teacher", teacher.get()));
        }
        if (!data.isEmpty()) {
            options.add(RecipeOptions.collections(data));
        }
        if (sampler.isPresent()) {
            options.add(RecipeOptions.text("pairs.sampler", sampler.get()));
        }
        seeds.ifPresent(n -> options.add("pairs.seeds=" + n));
        steps.ifPresent(n -> options.add("pairs.steps=" + n));
        guidance.ifPresent(scale -> options.add("pairs.guidance=" + scale));
        segments.ifPresent(k -> options.add("pairs.segments=" + k));
        batch.ifPresent(n -> options.add("pairs.batch=" + n));
        return recipe.run(terminal, Preset.PAIRS, options);
    }
}
