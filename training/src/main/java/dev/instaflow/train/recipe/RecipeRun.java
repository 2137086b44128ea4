package dev.instaflow.train.recipe;

import dev.instaflow.checkpoint.AtomicFile;
import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.train.recipe.PartTask.Outcome;
import dev.instaflow.train.recipe.Recipe.Stage;
import dev.instaflow.train.run.RunSetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs the parts of a recipe one after the other, skips those that are finished and continues the one that is not.
 * May be killed at any time: the next run goes on from the last checkpoint to the same bits. The folder of the run
 * has {@code config.yaml} with everything that counts, and for each part a folder with {@code checkpoints/}, {@code
 * log.csv}, {@code loss.png}, {@code grids/} and, at its end, {@code model/} or {@code pairs/}.
 */
public final class RecipeRun {
    private static final Map<String, PartTask> TASKS =
            Map.of(
                    "train", new NetworkTask(),
                    "autoencoder", new AutoencoderTask(),
                    "pairs", new PairTask(),
                    "export", new ExportTask());

    private final Recipe recipe;
    private final Set<RunSetting> changed;
    private final RunMonitor monitor;

    /**
     * A run.
     *
     * @param recipe what is done
     * @param changed settings that differ on purpose from those of the last checkpoint
     * @param monitor watches
     */
    public RecipeRun(Recipe recipe, Set<RunSetting> changed, RunMonitor monitor) {
        this.recipe = recipe;
        this.changed = Set.copyOf(changed);
        this.monitor = monitor;
    }

    /**
     * Does what is not done yet.
     *
     * @return what the last part has left, a file or a folder; empty if the run was stopped before its end
     * @throws IllegalArgumentException if a setting cannot be used, or differs from what the run was begun with
     * @throws IOException if a file cannot be read or written
     */
    public List<Path> run() throws IOException {
        Path run = recipe.folder();
        check();
        Files.createDirectories(run);
        AtomicFile.write(
                run.resolve("config.yaml"), part -> Files.writeString(part, recipe.effective()));
        Map<String, Path> folders = new LinkedHashMap<>();
        Map<String, Path> pairs = new LinkedHashMap<>();
        for (Stage stage : recipe.stages()) {
            monitor.stage(stage.name(), folders.size() + 1, recipe.stages().size());
            PartTask.Context context =
                    new PartTask.Context(
                            run,
                            stage.folder(),
                            stage.settings(),
                            new Models(run, Map.copyOf(folders)),
                            Map.copyOf(pairs),
                            changed,
                            monitor);
            if (run(stage.settings().choice("task", TASKS), context) == Outcome.STOPPED) {
                return List.of();
            }
            folders.put(stage.name(), stage.folder());
            pairs.put(stage.name(), stage.folder().resolve(PairTask.FOLDER));
        }
        return results(recipe.stages().get(recipe.stages().size() - 1).folder());
    }

    /** All parts before the first: what is wrong with the last one should not be found out after hours. */
    private void check() throws IOException {
        Set<String> earlier = new HashSet<>();
        for (Stage stage : recipe.stages()) {
            Section settings = stage.settings();
            settings.choice("task", TASKS).check(settings);
            requireThere(settings.at("model"), "start", earlier);
            requireThere(settings.at("pairs"), "teacher", earlier);
            requireThere(settings.at("data"), "pairs", earlier);
            for (Section part : settings.at("data").list("collections", "collections", "path")) {
                requireThere(part, "path", Set.of());
            }
            earlier.add(stage.name());
        }
    }

    private static void requireThere(Section settings, String key, Set<String> earlier) {
        String name = settings.text(key);
        boolean known = name.isEmpty() || earlier.contains(name) || Models.isBundled(name);
        if (!known && !Files.exists(settings.file(key).orElseThrow())) {
            throw settings.bad(
                    key,
                    settings.file(key).orElseThrow()
                            + ": no such file or folder"
                            + (earlier.isEmpty() ? "" : ", nor an earlier part of that name"));
        }
    }

    private Outcome run(PartTask task, PartTask.Context context) throws IOException {
        Map<String, String> inputs = new LinkedHashMap<>();
        for (Map.Entry<String, Path> input : task.inputs(context).entrySet()) {
            inputs.put(input.getKey(), FileHash.named(input.getValue()));
        }
        StageRecord record = new StageRecord(context.folder(), context.settings().tree(), inputs);
        if (record.begin(changed)) {
            monitor.say(context.folder() + " is finished");
            return Outcome.FINISHED;
        }
        Outcome outcome = task.run(context);
        if (outcome == Outcome.FINISHED) {
            record.finish();
        }
        return outcome;
    }

    private static List<Path> results(Path folder) {
        List<Path> results = new ArrayList<>();
        ModelFolder.finished(folder.resolve(Models.MODEL_FOLDER)).ifPresent(results::add);
        Path pairs = folder.resolve(PairTask.FOLDER);
        if (results.isEmpty() && Files.isDirectory(pairs)) {
            results.add(pairs);
        }
        return results;
    }
}
