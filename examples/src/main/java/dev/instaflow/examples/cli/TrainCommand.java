package dev.instaflow.examples.cli;

import dev.instaflow.train.recipe.Recipe.Preset;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Trains as a configuration says. */
@Command(
        name = "train",
        description = {
            "Train a model as a configuration says, in one part or several, and print the path of the result.",
            "May be stopped at any time, by Ctrl-C or kill: the same command goes on to the same bits.",
            "",
            "  instaflow train --config training/recipes/emoji.yaml --run runs/emoji",
            ""
        },
        exitCodeList = {"0:done", "1:failed, or stopped and saved", "2:bad usage or bad input"})
final class TrainCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin private RecipeOptions recipe;

    TrainCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        return recipe.run(terminal, Preset.NONE, List.of());
    }
}
