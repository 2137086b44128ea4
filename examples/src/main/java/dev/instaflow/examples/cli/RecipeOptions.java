package dev.instaflow.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.train.recipe.Recipe;
import dev.instaflow.train.recipe.Recipe.Preset;
import dev.instaflow.train.recipe.RecipeRun;
import dev.instaflow.train.run.RunSetting;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/** What the commands that train have in common: a configuration, and what changes it. */
final class RecipeOptions {
    private static final ObjectMapper QUOTES = new ObjectMapper();
    private static final Map<String, RunSetting> CHANGEABLE =
            Map.of(
                    "learning-rate", RunSetting.LEARNING_RATE,
                    "memory", RunSetting.MEMORY,
                    "backend", RunSetting.BACKEND);

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "YAML or JSON; docs/training.md lists the keys, --print-config all of them with "
                            + "their values. Paths in it are relative to it.")
    private Optional<Path> config;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description =
                    "Another value for a key, such as learningRate.rate=0.002, or "
                            + "stages.NAME.steps=100 for one part. Several times.")
    private List<String> changes = List.of();

    @Option(
            names = "--run",
            paramLabel = "DIR",
            description =
                    "Folder of the run, made if it does not exist. The same command goes on there.")
    private Optional<Path> run;

    @Option(
            names = "--device",
            paramLabel = "NAME",
            description =
                    "auto, cpu, cuda, cuda:1 or reference. Default: what the key device says.")
    private Optional<String> device;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads of the CPU device. Default: what the key threads says.")
    private Optional<Integer> threads;

    @Option(
            names = "--allow-change",
            paramLabel = "SETTING",
            description =
                    "Go on although this differs from what the run was begun with: learning-rate "
                            + "(or more steps), memory or backend. Several times.")
    private List<String> allowed = List.of();

    @Option(
            names = "--print-config",
            description = "Print the configuration that would count, as YAML, and do nothing.")
    private boolean printOnly;

    /** An assignment of a text, for {@link Recipe#read}. */
    static String text(String key, String value) throws JsonProcessingException {
        return key + '=' + QUOTES.writeValueAsString(value);
    }

    /** An assignment of a file that the command line names, which is relative to where the user is. */
    static String path(String key, Path value) throws JsonProcessingException {
        return text(key, value.toAbsolutePath().normalize().toString());
    }

    /** An assignment of a model: a file, or a word. */
    static String model(String key, String value) throws JsonProcessingException {
        return value.equals("bundled") ? text(key, value) : path(key, Path.of(value));
    }

    /** An assignment of collections. */
    static String collections(List<Path> paths) throws JsonProcessingException {
        List<String> names =
                paths.stream().map(path -> path.toAbsolutePath().normalize().toString()).toList();
        return "data.collections=" + QUOTES.writeValueAsString(names);
    }

    /**
     * Does what is asked for.
     *
     * @param preset what stands under the configuration
     * @param options of the command, as assignments; --set counts before them
     */
    int run(Terminal terminal, Preset preset, List<String> options) throws IOException {
        List<String> assignments = new ArrayList<>(options);
        if (run.isPresent()) {
            assignments.add(path("run", run.get()));
        }
        if (device.isPresent()) {
            assignments.add(text("device", device.get()));
        }
        threads.ifPresent(count -> assignments.add("threads=" + count));
        assignments.addAll(changes);
        Recipe recipe = Recipe.read(preset, config, assignments);
        if (printOnly) {
            terminal.out().print(recipe.effective());
            return Failure.DONE;
        }
        try (RecipeMonitor monitor = new RecipeMonitor(terminal)) {
            List<Path> results = new RecipeRun(recipe, allowed(), monitor).run();
            results.forEach(path -> terminal.out().println(path));
            return results.isEmpty() ? Failure.FAILED : Failure.DONE;
        }
    }

    private Set<RunSetting> allowed() throws BadInputException {
        Set<RunSetting> settings = EnumSet.noneOf(RunSetting.class);
        for (String name : allowed) {
            RunSetting setting = CHANGEABLE.get(name);
            if (setting == null) {
                throw new BadInputException(
                        "--allow-change %s: expected learning-rate, memory or backend"
                                .formatted(name));
            }
            settings.add(setting);
        }
        return settings;
    }
}
