package dev.instaflow.train.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.unet.UNet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that was stopped gives the bits of one that was not. */
class ResumeTest {
    private static final int LAST = 6;
    private static final List<String> FILES = List.of("model.ckpt", "ema.ckpt", "training.ckpt");

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
        try (SmallRun run = SmallRun.open(models, passes)) {
            while (run.trainer.steps() < LAST) {
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
    void killedRunContinuesToTheSameBits() throws Exception {
        Path run = folder.resolve("killed");
        for (int kills = 1; kills <= 2; kills++) {
            int after = 2 * kills;
            Process child = start(run);
            try {
                while (child.isAlive() && newest(run) < after) {
                    Thread.sleep(5);
                }
            } finally {
                child.destroyForcibly().waitFor();
            }
            assertTrue(newest(run) >= after, "checkpoints of the child");
        }
        Process child = start(run);
        assertEquals(0, child.waitFor());
        Path last = run.resolve("step-%09d".formatted(LAST));
        assertSameBytes(undisturbed(1), last);
        try (Stream<Path> files = Files.list(run)) {
            assertEquals(2, files.count(), "the last two checkpoints and nothing half written");
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
                        String.valueOf(LAST))
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
        try (SmallRun run = SmallRun.open(models, 2)) {
            IllegalArgumentException refused =
                    assertThrows(
                            IllegalArgumentException.class, () -> checkpoints.restore(run.trainer));
            assertTrue(refused.getMessage().contains("passes 1"), refused.getMessage());
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
