package dev.instaflow.train.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.train.Tape;
import dev.instaflow.train.objective.Objective;
import dev.instaflow.train.objective.RectifiedFlow;
import dev.instaflow.train.objective.TimeDistribution;
import dev.instaflow.train.optim.LearningRate;
import dev.instaflow.unet.UNet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that was stopped gives the bits of one that was not. */
class ResumeTest {
    private static final int LAST = 6;
    private static final int LAST_OF_KILLED = 40;
    private static final int KILLS = 4;
    private static final List<String> FILES = List.of("model.ckpt", "ema.ckpt", "training.ckpt");

    private static final Objective OTHER =
            new RectifiedFlow(TimeLabelRule.INSTAFLOW, TimeDistribution.logitNormal(0, 2));

    @TempDir Path folder;
    private Path models;

    @BeforeEach
    void makeFolder() throws IOException {
        models = Files.createDirectory(folder.resolve("models"));
    }

    private Checkpoints checkpoints(String name) {
        return new Checkpoints(folder.resolve(name), 2, List.of());
    }

    /** The checkpoint after the last step of a run that nothing disturbed. */
    private Path undisturbed(int passes) throws IOException {
        return undisturbed(passes, LAST);
    }

    private Path undisturbed(int passes, int last) throws IOException {
        try (SmallRun run = SmallRun.open(models, passes)) {
            while (run.trainer.steps() < last) {
                run.trainer.step();
            }
            return checkpoints("undisturbed").save(run.trainer);
        }
    }

    private static void assertSameBytes(Path expected, Path actual) throws IOException {
        for (String file : FILES) {
            assertArrayEquals(
                    Files.readAllBytes(expected.resolve(file)),
                    Files.readAllBytes(actual.resolve(file)),
                    file);
        }
    }

    @Test
    void stoppedAndContinuedRunGivesTheSameBits() throws IOException {
        Checkpoints checkpoints = checkpoints("stopped");
        try (SmallRun run = SmallRun.open(models, 2)) {
            run.trainer.step();
            run.trainer.step();
            checkpoints.save(run.trainer);
            run.trainer.step(); // lost
        }
        try (SmallRun run = SmallRun.open(models, 2)) {
            assertTrue(checkpoints.restore(run.trainer).isPresent());
            assertEquals(2, run.trainer.steps());
            while (run.trainer.steps() < LAST) {
                run.trainer.step();
            }
            assertSameBytes(undisturbed(2), checkpoints.save(run.trainer));
        }
    }

    @Test
    void mixedDataAndMuonContinueToTheSameBits() throws IOException {
        Path whole;
        try (SmallRun run = SmallRun.withPairsAndMuon(models)) {
            while (run.trainer.steps() < LAST) {
                run.trainer.step();
            }
            whole = checkpoints("whole").save(run.trainer);
        }
        Checkpoints stopped = checkpoints("stopped");
        for (int stop : new int[] {1, 4, LAST}) {
            try (SmallRun run = SmallRun.withPairsAndMuon(models)) {
                stopped.restore(run.trainer);
                while (run.trainer.steps() < stop) {
                    run.trainer.step();
                }
                Path saved = stopped.save(run.trainer);
                if (stop == LAST) {
                    assertSameBytes(whole, saved);
                }
            }
        }
        try (SmallRun run = SmallRun.open(models, 1)) {
            assertRefused("optimizer was \"Muon", stopped, run);
        }
    }

    @Test
    void killedRunContinuesToTheSameBits() throws Exception {
        Path run = folder.resolve("killed");
        Random moments = new Random(5);
        for (int kill = 0; kill < KILLS; kill++) {
            long after = newest(run);
            Process child = start(run);
            try {
                // Between two checkpoints, or, every other time, while one is being written.
                boolean writing = kill % 2 == 1;
                while (child.isAlive() && newest(run) == after) {
                    Thread.sleep(5);
                }
                Thread.sleep(moments.nextInt(100));
                while (child.isAlive() && writing && !isWriting(run)) {
                    Thread.onSpinWait();
                }
                assertTrue(child.isAlive(), "the child is killed before its last step");
            } finally {
                child.destroyForcibly().waitFor();
            }
        }
        Process child = start(run);
        assertEquals(0, child.waitFor());
        Path last = run.resolve("step-%09d".formatted(LAST_OF_KILLED));
        assertSameBytes(undisturbed(1, LAST_OF_KILLED), last);
        try (Stream<Path> files = Files.list(run)) {
            assertEquals(2, files.count(), "the last two checkpoints and nothing half written");
        }
    }

    private static boolean isWriting(Path run) throws IOException {
        try (Stream<Path> files = Files.list(run)) {
            return files.anyMatch(file -> file.getFileName().toString().endsWith(".part"));
        }
    }

    private Process start(Path run) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        SmallRun.class.getName(),
                        models.toString(),
                        run.toString(),
                        String.valueOf(LAST_OF_KILLED))
                .inheritIO()
                .start();
    }

    private static long newest(Path run) throws IOException {
        if (!Files.isDirectory(run)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(run)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("step-"))
                    .mapToLong(name -> Long.parseLong(name.substring("step-".length())))
                    .max()
                    .orElse(0);
        }
    }

    @Test
    void otherSettingsAreRefused() throws IOException {
        Checkpoints checkpoints = checkpoints("other");
        try (SmallRun run = SmallRun.open(models, 1)) {
            checkpoints.save(run.trainer);
        }
        Map<String, UnaryOperator<TrainingSettings>> differences = new LinkedHashMap<>();
        differences.put("passes was \"1\", is \"2\"", s -> s.withPasses(2));
        differences.put("clip norm was \"1.0\"", s -> s.withClipNorm(2));
        differences.put("ema decay was \"0.9999\"", s -> s.withEmaDecay(0.99));
        differences.put("captions was", s -> s.withCaptions(new CaptionChoice(0.7, 0.1)));
        differences.put("memory was \"KEEP\"", s -> s.withMemory(Tape.Memory.RECOMPUTE));
        differences.put("objective was", s -> s.withObjective(OTHER));
        differences.put("learning rate was", s -> s.withLearningRate(LearningRate.constant(1e-3)));
        differences.put("seed was \"42\"", s -> s.withSeed(43));
        differences.put("batch was \"4\"", s -> s.withBatch(3));
        for (Map.Entry<String, UnaryOperator<TrainingSettings>> other : differences.entrySet()) {
            try (SmallRun run = SmallRun.open(models, other.getValue())) {
                assertRefused(other.getKey(), checkpoints, run);
            }
        }
        try (SmallRun run = SmallRun.withHalfTheData(models)) {
            assertRefused("data was \"7 examples", checkpoints, run);
        }
    }

    private static void assertRefused(String why, Checkpoints checkpoints, SmallRun run) {
        float[] before = run.trainer.learner().parameters().list().get(0).values().clone();
        String message =
                assertThrows(IllegalArgumentException.class, () -> checkpoints.restore(run.trainer))
                        .getMessage();
        assertTrue(message.contains(why), message);
        assertEquals(0, run.trainer.steps());
        assertArrayEquals(before, run.trainer.learner().parameters().list().get(0).values());
    }

    @Test
    void scheduleIsReplacedOnlyOnPurposeAndThatIsKept() throws IOException {
        Checkpoints checkpoints = checkpoints("longer");
        try (SmallRun run = SmallRun.open(models, 1)) {
            run.trainer.step();
            checkpoints.save(run.trainer);
        }
        UnaryOperator<TrainingSettings> longer =
                s -> s.withLearningRate(LearningRate.constant(1e-3).fallingLinearly(5, 50));
        try (SmallRun run = SmallRun.open(models, longer)) {
            assertRefused("learning rate was", checkpoints, run);
            Set<RunSetting> seed = EnumSet.of(RunSetting.SEED);
            assertThrows(
                    IllegalArgumentException.class, () -> checkpoints.restore(run.trainer, seed));
            checkpoints.restore(run.trainer, EnumSet.of(RunSetting.LEARNING_RATE));
            assertEquals(1, run.trainer.steps());
            run.trainer.step();
            checkpoints.save(run.trainer);
        }
        try (SmallRun run = SmallRun.open(models, longer)) {
            checkpoints.restore(run.trainer); // the new schedule is the run's own now
            assertEquals(2, run.trainer.steps());
            assertEquals(1, run.trainer.changes().size());
            String change = run.trainer.changes().get(0);
            assertTrue(change.startsWith("after step 1: learning rate was"), change);
        }
    }

    @Test
    void folderOfAnotherRunIsNotWrittenTo() throws IOException {
        Checkpoints checkpoints = checkpoints("taken");
        try (SmallRun run = SmallRun.open(models, 1)) {
            run.trainer.step();
            Path saved = checkpoints.save(run.trainer);
            assertEquals(saved, checkpoints.save(run.trainer), "the same bits twice");
        }
        try (SmallRun run = SmallRun.open(models, 2)) {
            assertThrows(IllegalStateException.class, () -> checkpoints.save(run.trainer));
            run.trainer.step();
            String message =
                    assertThrows(IllegalStateException.class, () -> checkpoints.save(run.trainer))
                            .getMessage();
            assertTrue(message.contains("passes was"), message);
        }
    }

    @Test
    void damagedCheckpointIsRefusedAndChangesNothing() throws IOException {
        Checkpoints checkpoints = checkpoints("damaged");
        Path saved;
        try (SmallRun run = SmallRun.open(models, 1)) {
            run.trainer.step();
            saved = checkpoints.save(run.trainer);
        }
        for (String name : List.of("training.ckpt", "model.ckpt")) {
            Path file = saved.resolve(name);
            byte[] whole = Files.readAllBytes(file);
            byte[] damaged = whole.clone();
            damaged[whole.length / 2] ^= 1;
            Files.write(file, damaged);
            try (SmallRun run = SmallRun.open(models, 1)) {
                String message =
                        assertThrows(
                                        CheckpointFormatException.class,
                                        () -> checkpoints.restore(run.trainer))
                                .getMessage();
                assertTrue(message.contains(name), message);
                assertEquals(0, run.trainer.steps());
                assertEquals(0, run.trainer.optimizer().steps());
                assertEquals(0, run.trainer.ema().updates());
            }
            Files.write(file, whole);
        }
    }

    @Test
    void checkpointOpensAsAModelWithBothWeightSets() throws IOException {
        Path checkpoint = undisturbed(1);
        Path model = checkpoint.resolve("model.ckpt");
        String key = "model.diffusion_model.out.2.bias";
        try (CompVisView plain = CompVisView.open(model, WeightSet.PLAIN);
                CompVisView average = CompVisView.open(model, WeightSet.EMA);
                CompVisView onlyAverages =
                        CompVisView.open(checkpoint.resolve("ema.ckpt"), WeightSet.PLAIN);
                CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING)) {
            UNet.load(backend, average, BundledEmoji.config(models).unet()).close();
            float averaged = first(average.find(key).orElseThrow());
            assertNotEquals(first(plain.find(key).orElseThrow()), averaged);
            assertEquals(averaged, first(onlyAverages.find(key).orElseThrow()));
            assertEquals(plain.parts(), onlyAverages.parts());
            assertFalse(plain.find("first_stage_model.decoder.conv_in.weight").isEmpty());
        }
    }

    private static float first(Entry entry) throws IOException {
        float[] value = new float[1];
        entry.readFloats(0, value, 0, 1);
        return value[0];
    }
}
