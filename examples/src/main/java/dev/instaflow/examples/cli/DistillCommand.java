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

/** Trains a one-step student on a teacher's pairs. */
@Command(
        name = "distill",
        description = {
            "Train a model to draw in one step what a teacher drew in many: first the latents, then also the",
            "pictures. The same as train with a configuration of two parts, latent and pictures.",
            "",
            "  instaflow distill --pairs runs/pairs --start 2-flow.ckpt --run runs/one-step",
            ""
        },
        exitCodeList = {"0:done", "1:failed, or stopped and saved", "2:bad usage or bad input"})
final class DistillCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(
            names = "--start",
            paramLabel = "FILE",
            description =
                    "What the student begins as, a flow with its card beside it: the teacher, usually.")
    private Optional<String> start;

    @Option(
            names = "--pairs",
            paramLabel = "DIR",
            description = "What the command pairs has made: its run's folder, or the pairs in it.")
    private Optional<Path> pairs;

    @Option(
            names = "--data",
            paramLabel = "PATH",
            description =
                    "A collection for the grids and the model's list of captions. Several times.")
    private List<Path> data = List.of();

    @Mixin private RecipeOptions recipe;

    DistillCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        List<String> options = new ArrayList<>();
        if (start.isPresent()) {
            options.add(RecipeOptions.model("model.start", start.get()));
        }
        if (pairs.isPresent()) {
            options.add(RecipeOptions.path("data.pairs", pairs.get()));
        }
        if (!data.isEmpty()) {
            options.add(RecipeOptions.collections(data));
        }
        return recipe.run(terminal, Preset.DISTILL, options);
    }
}
