package dev.instaflow.train.transplant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.ConvertedEntry;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models of two matrices and a norm. */
class TransplantTest {
    private static final String UNET = "model.diffusion_model.";
    private static final String IN = UNET + "input_blocks.1.1.proj_in.weight";
    private static final String OUT = UNET + "output_blocks.0.0.emb_layers.1.weight";
    private static final String NORM = UNET + "output_blocks.0.0.in_layers.0.weight";
    private static final int SIZE = 20;

    @TempDir Path folder;
    private float[] base;
    private float[] tuned;
    private float[] flow;

    private static float[] normals(long seed, double deviation) {
        Random random = new Random(seed);
        float[] values = new float[SIZE * SIZE];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    private static float[] sum(float[] a, float[] b) {
        float[] sum = a.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }

    private static List<Entry> model(float[] in, float[] out) {
        List<Long> square = List.of((long) SIZE, (long) SIZE);
        float[] ones = new float[SIZE];
        Arrays.fill(ones, 1);
        return new ArrayList<>(
                List.of(
                        HeapEntry.ofFloats(IN, square, in),
                        HeapEntry.ofFloats(OUT, square, out),
                        HeapEntry.ofFloats(NORM, List.of((long) SIZE), ones)));
    }

    private Path file(String name) {
        return folder.resolve(name);
    }

    @BeforeEach
    void write() throws IOException {
        base = normals(1, 1);
        tuned = sum(base, normals(2, 0.1));
        flow = sum(base, normals(3, 0.2));
        SafetensorsWriter.write(file("base.safetensors"), model(base, base), Map.of());
        CkptWriter.write(file("tuned.ckpt"), model(tuned, base), Map.of());
        List<Entry> averaged = model(flow, flow);
        averaged.add(HeapEntry.ofFloats("model_ema.decay", List.of(), 0.9f));
        CkptWriter.write(file("flow.ckpt"), averaged, Map.of("global_step", 7L));
    }

    private Transplant transplant(BlockStrength strength) {
        return Transplant.of(
                file("flow.ckpt"),
                file("base.safetensors"),
                file("tuned.ckpt"),
                file("out.ckpt"),
                strength);
    }

    private float[] values(String name) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(file("out.ckpt"))) {
            Entry entry = checkpoint.find(name).orElseThrow();
            float[] values = new float[(int) entry.count()];
            entry.readFloats(0, values, 0, values.length);
            return values;
        }
    }

    private float[] expected(float strength) {
        float[] sum = flow.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += strength * (tuned[i] - base[i]);
        }
        return sum;
    }

    @Test
    void changeIsAddedInTheReceiversFormat() throws IOException {
        TransplantReport report = transplant(BlockStrength.of(0.5)).run();
        assertArrayEquals(expected(0.5f), values(IN));
        assertArrayEquals(flow, values(OUT));
        assertEquals(1, report.changedTensors());
        try (Checkpoint written = Checkpoint.open(file("out.ckpt"))) {
            assertEquals(7L, written.metadata().get("global_step"));
            String base = (String) written.metadata().get("transplant.base");
            assertTrue(base.startsWith("base.safetensors sha-256 "), base);
            assertTrue(written.find("model_ema.decay").isEmpty());
        }
    }

    @Test
    void reportHasTheNormsOfBlocks() throws IOException {
        TransplantReport report = transplant(BlockStrength.of(2)).run();
        TransplantReport.Block block = report.blocks().get(0);
        assertEquals(UNET + "input_blocks.1", block.name());
        double squares = 0;
        double changes = 0;
        for (int i = 0; i < flow.length; i++) {
            squares += (double) flow[i] * flow[i];
            changes += Math.pow(2 * ((double) tuned[i] - base[i]), 2);
        }
        assertEquals(Math.sqrt(changes), block.changeNorm(), 1e-9);
        assertEquals(Math.sqrt(changes / squares), block.share(), 1e-9);
        assertEquals(0, report.blocks().get(1).changeNorm());
        assertEquals(2.0 / 3, report.finetune().identicalShare(), 1e-12);
        assertTrue(report.receiver().medianCosine() > 0.97, report.receiver().toString());
    }

    @Test
    void rulesDecideByName() throws IOException {
        BlockStrength strength =
                new BlockStrength(
                        1,
                        List.of(
                                new BlockStrength.Rule(Pattern.compile("proj_in"), 0.25),
                                new BlockStrength.Rule(Pattern.compile("input_blocks"), 9)));
        transplant(strength).run();
        assertArrayEquals(expected(0.25f), values(IN));
    }

    @Test
    void strangersAreRefusedWithFiguresUnlessAccepted() throws IOException {
        float[] stranger = normals(8, 1);
        CkptWriter.write(file("tuned.ckpt"), model(stranger, stranger), Map.of());
        Transplant transplant = transplant(BlockStrength.of(1));
        IllegalArgumentException refused =
                assertThrows(IllegalArgumentException.class, transplant::run);
        assertTrue(refused.getMessage().contains("median cosine"), refused.getMessage());
        assertFalse(Files.exists(file("out.ckpt")));
        Transplant forced =
                new Transplant(
                        transplant.receiver(),
                        transplant.base(),
                        transplant.finetune(),
                        transplant.output(),
                        transplant.strength(),
                        transplant.limits(),
                        Transplant.Strangers.ACCEPT,
                        transplant.overwrite());
        // Of unrelated matrices the cosine is within 4 deviations of 1 / sqrt(400), and the
        // distance sqrt 2.
        Derivation figures = forced.run().finetune();
        assertEquals(0, figures.medianCosine(), 0.2);
        assertEquals(Math.sqrt(2), figures.medianDistance(), 0.15);
    }

    @Test
    void otherShapesAreNoFinetune() throws IOException {
        List<Entry> other = model(base, base);
        other.set(0, HeapEntry.ofFloats(IN, List.of(400L, 1L), base));
        CkptWriter.write(file("tuned.ckpt"), other, Map.of());
        IOException refused =
                assertThrows(IOException.class, () -> transplant(BlockStrength.of(1)).run());
        assertTrue(refused.getMessage().contains(IN + " [20, 20], there [400, 1]"));
    }

    @Test
    void halfPrecisionStaysAndNothingIsOverwritten() throws IOException {
        List<Entry> halves = new ArrayList<>();
        model(flow, flow).forEach(entry -> halves.add(ConvertedEntry.of(entry, DType.F16)));
        CkptWriter.write(file("flow.ckpt"), halves, Map.of());
        transplant(BlockStrength.of(1)).run();
        try (Checkpoint written = Checkpoint.open(file("out.ckpt"))) {
            written.entries().forEach(entry -> assertEquals(DType.F16, entry.dtype()));
        }
        assertThrows(FileAlreadyExistsException.class, () -> transplant(BlockStrength.of(1)).run());
    }
}
