package dev.instaflow.train.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.train.recipe.Recipe.Preset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that is stopped again and again leaves what one leaves that is not. */
class RecipeRunTest {
    private static final Path PICTURES =
            Path.of("src/test/resources/evaluate").toAbsolutePath().normalize();
    private static final int STEPS_BETWEEN_STOPS = 2;
    private static final int MOST_STARTS = 30;

    private static final String RECIPE =
            """
            run: %s
            threads: 1
            model: {unet: {model_channels: 32}, text: {width: 32, layers: 1, heads: 2}}
            data: {collections: [%s/noto, {path: %s/fluent, weight: 2.0}]}
            batch: 2
            optimizer: {kind: muon}
            learningRate: {rate: 0.01, warmup: 2, fall: linear, from: 0.5}
            progress: {gridSteps: %d, gridCaptions: 2, gridSeeds: 2, samplerSteps: 1}
            export: {dtype: f32}
            stages:
              - {name: flow, steps: 5}
              - name: pairs
                task: pairs
                pairs: {teacher: flow, seeds: 2, steps: 2, guidance: 1.5, shard: 6, batch: 2}
              - name: distill
                model: {start: flow}
                data: {pairs: pairs}
                objective: {kind: one-step}
                losses: {absolute: 0.5}
                steps: 3
            """;

    @TempDir Path folder;

    /** Stops after some reports of progress. */
    private static final class Stopping implements RunMonitor {
        private final List<String> said = new ArrayList<>();
        private int left;

        Stopping(int reports) {
            left = reports;
        }

        @Override
        public void stage(String name, int number, int count) {
            assertTrue(number <= count);
        }

        @Override
        public void progress(String what, double fraction) {
            assertTrue(fraction > 0 && fraction <= 1, what);
            left--;
        }

        @Override
        public void say(String line) {
            said.add(line);
        }

        @Override
        public boolean isStopped() {
            return left <= 0;
        }
    }

    private List<Path> run(String name, int gridSteps, RunMonitor monitor) throws IOException {
        Path config = folder.resolve(name + ".yaml");
        Files.writeString(config, RECIPE.formatted(name, PICTURES, PICTURES, gridSteps));
        Recipe recipe = Recipe.read(Preset.NONE, Optional.of(config), List.of());
        return new RecipeRun(recipe, Set.of(), monitor).run();
    }

    @Test
    void aRunThatIsStoppedAgainAndAgainComesToTheSameBits() throws IOException {
        List<Path> whole = run("whole", 2, new Stopping(Integer.MAX_VALUE));
        List<Path> stopped = List.of();
        int starts = 0;
        while (stopped.isEmpty()) {
            Stopping monitor = new Stopping(STEPS_BETWEEN_STOPS);
            stopped = run("stopped", 0, monitor);
            starts++;
            assertTrue(starts < MOST_STARTS, "does not come to its end");
            assertEquals(
                    stopped.isEmpty(),
                    monitor.said.stream().anyMatch(line -> line.contains("goes on from there")));
        }
        assertTrue(starts > 3, "it was never stopped");
        assertArrayEquals(Files.readAllBytes(whole.get(0)), Files.readAllBytes(stopped.get(0)));
        for (String log : List.of("flow/log.csv", "distill/log.csv")) {
            assertEquals(
                    losses(folder.resolve("whole").resolve(log)),
                    losses(folder.resolve("stopped").resolve(log)));
        }
        assertEquals(6, losses(folder.resolve("whole/flow/log.csv")).size());
        // Only one of them drew grids, with the averages in the place of the weights.
        assertTrue(Files.exists(folder.resolve("whole/flow/grids/step-000000004.png")));
        assertFalse(Files.exists(folder.resolve("stopped/flow/grids")));
    }

    private static List<String> losses(Path log) throws IOException {
        return Files.readAllLines(log).stream()
                .map(line -> line.substring(0, line.lastIndexOf(',')))
                .toList();
    }

    @Test
    void linesOfALogAfterTheCheckpointAreTakenAway() throws IOException {
        Path log = folder.resolve("log.csv");
        String kept =
                "step,loss,gradient_norm,learning_rate,seconds\n1,0.5,1,0.1,0.2\n2,0.4,1,0.1,0.2\n";
        Files.writeString(log, kept + "3,0.3,1,0.1,0.2\n4,0.");
        RunLog.open(log, 2).close();
        assertEquals(kept, Files.readString(log));
        RunLog.open(log, 7).close();
        assertEquals(kept, Files.readString(log));
    }

    @Test
    void everyKeyIsInTheGuide() throws IOException {
        String guide = Files.readString(Path.of("../docs/training.md"));
        for (String name : List.of("defaults.yaml", "elements.yaml")) {
            Path keys = Path.of("src/main/resources/dev/instaflow/train/recipe", name);
            assertTrue(guide.contains(Files.readString(keys)), name + " differs from the guide");
        }
    }

    @Test
    void everyPresetIsAConfiguration() throws IOException {
        for (Preset preset : Preset.values()) {
            Recipe recipe = Recipe.read(preset, Optional.empty(), List.of("run=x"));
            assertFalse(recipe.stages().isEmpty());
            assertFalse(recipe.effective().isEmpty());
        }
    }

    @Test
    void theRecipeOfTheBundledModelIsAConfiguration() throws IOException {
        Path file = Path.of("recipes/emoji.yaml");
        Recipe recipe = Recipe.read(Preset.NONE, Optional.of(file), List.of());
        assertEquals(6, recipe.stages().size());
        Section flow = recipe.stages().get(0).settings();
        for (Section collection : flow.at("data").list("collections", "collections", "path")) {
            assertTrue(Files.exists(collection.file("path").orElseThrow()));
        }
    }
}
