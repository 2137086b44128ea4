package dev.instaflow.train.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.lora.LoraFile;
import dev.instaflow.checkpoint.lora.LoraFormat;
import dev.instaflow.checkpoint.lora.LoraTargets;
import dev.instaflow.checkpoint.lora.LoraView;
import dev.instaflow.checkpoint.lora.UnknownKeys;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.tensor.TensorAssert;
import dev.instaflow.train.TrainableSet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Differences of known rank. */
class ExtractionTest {
    private static final String UNET = "model.diffusion_model.";
    private static final String KERNEL = UNET + "middle_block.0.in_layers.2.weight";
    private static final String MATRIX = UNET + "output_blocks.0.0.emb_layers.1.weight";
    private static final int OUT = 14;
    private static final int IN = 6 * 9;

    /** Sums of three products and of a base around 1 in F32. */
    private static final double ROUNDING = 1e-5;

    @TempDir Path folder;
    private final Random random = new Random(4);
    private float[] base;
    private float[] change;

    private float[] normals(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** A sum of products of orthogonal unit vectors with the singular values 4, 2 and 1. */
    @BeforeEach
    void write() throws IOException {
        base = normals(OUT * IN);
        change = new float[OUT * IN];
        for (int k = 0; k < 3; k++) {
            for (int i = 0; i < OUT; i++) {
                for (int j = 0; j < IN; j++) {
                    double left = Math.sqrt(2.0 / OUT) * wave(i, k + 1, OUT);
                    double right = Math.sqrt(2.0 / IN) * wave(j, k + 2, IN);
                    change[i * IN + j] += (float) ((4 >> k) * left * right);
                }
            }
        }
        float[] tuned = base.clone();
        for (int i = 0; i < tuned.length; i++) {
            tuned[i] += change[i];
        }
        SafetensorsWriter.write(folder.resolve("base.safetensors"), model(base), Map.of());
        SafetensorsWriter.write(folder.resolve("tuned.safetensors"), model(tuned), Map.of());
    }

    /** A vector of the discrete cosine transform. */
    private static double wave(int i, int frequency, int count) {
        return Math.cos(Math.PI * frequency * (i + 0.5) / count);
    }

    private static List<Entry> model(float[] kernel) {
        return List.of(
                HeapEntry.ofFloats(KERNEL, List.of((long) OUT, 6L, 3L, 3L), kernel),
                HeapEntry.ofFloats(MATRIX, List.of(2L, 2L), 1, 2, 3, 4));
    }

    private Extraction extraction(RankRule rule) {
        return new Extraction(
                folder.resolve("base.safetensors"),
                folder.resolve("tuned.safetensors"),
                folder.resolve("lora.safetensors"),
                TrainableSet.UNET,
                rule,
                LoraFormat.KOHYA);
    }

    private float[] restored() throws IOException {
        CompVisView view = CompVisView.open(folder.resolve("base.safetensors"), WeightSet.PLAIN);
        LoraFile file =
                LoraFile.open(
                        folder.resolve("lora.safetensors"),
                        LoraTargets.of(view),
                        UnknownKeys.REFUSE);
        try (LoraView sum = LoraView.of(view, file, 1)) {
            float[] values = new float[OUT * IN];
            sum.find(KERNEL).orElseThrow().readFloats(0, values, 0, values.length);
            return values;
        }
    }

    @Test
    void enoughRankRestoresTheFinetune() throws IOException {
        List<Extraction.Extracted> report = extraction(RankRule.fixed(3)).run();
        assertEquals(1, report.size());
        assertEquals(KERNEL, report.get(0).target());
        assertEquals(1, report.get(0).kept(), 1e-9);
        float[] expected = base.clone();
        for (int i = 0; i < expected.length; i++) {
            expected[i] += change[i];
        }
        TensorAssert.close("kernel", restored(), expected, ROUNDING);
    }

    @Test
    void energyDecidesOfTheRank() throws IOException {
        // 16 + 4 + 1: the first has 76 %, two have 95 %.
        Extraction.Extracted two = extraction(new RankRule(8, 0.9)).run().get(0);
        assertEquals(2, two.rank());
        assertEquals(20.0 / 21, two.kept(), 1e-6);
        Extraction.Extracted one = extraction(new RankRule(8, 0.75)).run().get(0);
        assertEquals(1, one.rank());
        double squares = 0;
        float[] values = restored();
        for (int i = 0; i < values.length; i++) {
            squares += Math.pow((double) values[i] - base[i] - change[i], 2);
        }
        // What is left are the values 2 and 1.
        assertEquals(Math.sqrt(5), Math.sqrt(squares), 1e-4);
    }

    @Test
    void sameModelsHaveNothingToExtract() {
        Extraction same =
                new Extraction(
                        folder.resolve("base.safetensors"),
                        folder.resolve("base.safetensors"),
                        folder.resolve("lora.safetensors"),
                        TrainableSet.UNET,
                        RankRule.fixed(2),
                        LoraFormat.KOHYA);
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, same::run);
        assertTrue(refused.getMessage().contains("nothing to extract"), refused.getMessage());
    }
}
