package dev.instaflow.train.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.model.TinyModel;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.Parameters;
import dev.instaflow.unet.UNet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Muon against its published steps in plain F64 loops, written down here once more. */
class MuonTest {
    /**
     * Five steps enlarge what F32 rounds in the smallest directions by 3.4445^5 = 485, of values around 0.1: 485 *
     * 2^-24 * 0.1 * some tens of rounded sums.
     */
    private static final double TOLERANCE = 1e-4;

    private static float[] normals(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** {@code zeropower_via_newtonschulz5} as published: on the wide orientation, X itself all along. */
    private static double[] published(float[] matrix, int rows, int columns) {
        boolean turn = rows > columns;
        int r = Math.min(rows, columns);
        int c = Math.max(rows, columns);
        double[][] x = new double[r][c];
        double squares = 0;
        for (float value : matrix) {
            squares += (double) value * value;
        }
        for (int i = 0; i < matrix.length; i++) {
            int row = turn ? i % columns : i / columns;
            int column = turn ? i / columns : i % columns;
            x[row][column] = matrix[i] / (Math.sqrt(squares) + 1e-7);
        }
        for (int step = 0; step < 5; step++) {
            double[][] a = times(x, transposed(x));
            double[][] aa = times(a, a);
            double[][] b = new double[r][r];
            for (int i = 0; i < r; i++) {
                for (int k = 0; k < r; k++) {
                    b[i][k] = -4.7750 * a[i][k] + 2.0315 * aa[i][k];
                }
            }
            double[][] bx = times(b, x);
            for (int i = 0; i < r; i++) {
                for (int k = 0; k < c; k++) {
                    x[i][k] = 3.4445 * x[i][k] + bx[i][k];
                }
            }
        }
        double[] result = new double[matrix.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = turn ? x[i % columns][i / columns] : x[i / columns][i % columns];
        }
        return result;
    }

    private static double[][] transposed(double[][] x) {
        double[][] y = new double[x[0].length][x.length];
        for (int i = 0; i < x.length; i++) {
            for (int k = 0; k < y.length; k++) {
                y[k][i] = x[i][k];
            }
        }
        return y;
    }

    private static double[][] times(double[][] a, double[][] b) {
        double[][] y = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int k = 0; k < b.length; k++) {
                for (int j = 0; j < b[0].length; j++) {
                    y[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return y;
    }

    @Test
    void stepsAreThePublishedOnesOnEveryOrientation() {
        int[][] sizes = {
            {1, 1}, {1, 7}, {7, 1}, {31, 33}, {33, 31}, {64, 64}, {16, 257}, {257, 16}
        };
        try (TrainingBackend cpu = CpuBackend.open(CpuSettings.TRAINING);
                TrainingBackend exact = new ReferenceBackend(ReferenceBackend.Precision.F64)) {
            for (int[] size : sizes) {
                float[] matrix = normals(size[0] * size[1], 3);
                double[] expected = published(matrix, size[0], size[1]);
                assertClose(expected, cpu, matrix, size, TOLERANCE);
                assertClose(expected, exact, matrix, size, 2e-6); // the input alone is F32
            }
        }
    }

    private static float[] orthogonal(TrainingBackend on, float[] matrix, int... size) {
        float[][] results = new float[3][]; // in lanes, where the backend has some
        on.runParts(
                "test",
                results.length,
                (index, scope) ->
                        results[index] =
                                new NewtonSchulz(on)
                                        .orthogonal(scope.ops(), matrix.clone(), size[0], size[1]));
        assertArrayEquals(results[0], results[1]);
        assertArrayEquals(results[0], results[2]);
        return results[0];
    }

    private static void assertClose(
            double[] expected, TrainingBackend on, float[] matrix, int[] size, double tolerance) {
        float[] actual = orthogonal(on, matrix, size);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], tolerance, size[0] + "x" + size[1] + " at " + i);
        }
    }

    /** Rank 2 of 24: what is not there must not be blown up into noise. */
    @Test
    void matrixOfLowRankStaysOne() {
        float[] a = normals(24 * 2, 1);
        float[] b = normals(2 * 40, 2);
        float[] matrix = new float[24 * 40];
        for (int i = 0; i < matrix.length; i++) {
            matrix[i] = a[i / 40 * 2] * b[i % 40] + a[i / 40 * 2 + 1] * b[40 + i % 40];
        }
        try (TrainingBackend cpu = CpuBackend.open(CpuSettings.TRAINING)) {
            assertClose(published(matrix, 24, 40), cpu, matrix, new int[] {24, 40}, TOLERANCE);
            for (float value : orthogonal(cpu, new float[12], 3, 4)) {
                assertEquals(0, value);
            }
        }
    }

    private static List<Parameter> parameters(TrainingBackend backend, UNet unet) {
        Parameters all = new Parameters(backend);
        all.add(ModelPart.UNET, unet.weights(), UNet.parameters(TinyModel.UNET64), key -> true);
        return all.list();
    }

    @Test
    void stepIsNesterovsMomentumMadeOrthogonal() throws IOException {
        double momentum = 0.9;
        Muon.Settings settings =
                new Muon.Settings(momentum, 0.1, 0.1, new AdamW.Settings(0.9, 0.99, 1e-8, 0));
        try (TrainingBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
                Checkpoint checkpoint = Checkpoint.open(TinyModel.UNET64_FILE);
                UNet unet = UNet.load(backend, checkpoint, TinyModel.UNET64)) {
            List<Parameter> list = new ArrayList<>();
            for (Parameter parameter : parameters(backend, unet)) {
                String name = parameter.name();
                if (name.contains("middle_block.0.in_layers")
                        || name.contains("time_embed.0.")
                        || name.contains("input_blocks.0.0.")) {
                    list.add(parameter);
                }
            }
            Map<String, Boolean> inner = new LinkedHashMap<>();
            list.forEach(p -> inner.put(p.name().replaceAll(".*model\\.", ""), Muon.isInner(p)));
            assertTrue(inner.get("middle_block.0.in_layers.2.weight"));
            assertTrue(inner.get("time_embed.0.weight"));
            assertTrue(!inner.get("input_blocks.0.0.weight"));
            assertTrue(!inner.get("time_embed.0.bias"));

            Parameter one =
                    list.stream()
                            .filter(p -> p.name().endsWith("time_embed.0.weight"))
                            .findFirst()
                            .orElseThrow();
            Parameter first =
                    list.stream()
                            .filter(p -> p.name().endsWith("0.0.weight"))
                            .findFirst()
                            .orElseThrow();
            int rows = one.shape().intSize(0);
            int columns = one.values().length / rows;
            assertTrue(rows > columns, "the scale is not 1");
            double[] expected = new double[one.values().length];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = one.values()[i];
            }
            float[] start = first.values().clone();
            double[] mean = new double[expected.length];
            Muon muon = new Muon(settings, backend);
            for (int step = 0; step < 3; step++) {
                double rate = 0.02 / (step + 1);
                for (Parameter parameter : list) {
                    float[] random = normals(parameter.gradient().length, 40 + step);
                    System.arraycopy(random, 0, parameter.gradient(), 0, random.length);
                }
                float[] ahead = new float[mean.length];
                for (int i = 0; i < mean.length; i++) {
                    double g = one.gradient()[i];
                    mean[i] = momentum * mean[i] + (1 - momentum) * g;
                    ahead[i] = (float) (momentum * mean[i] + (1 - momentum) * g);
                }
                double[] direction = published(ahead, rows, columns);
                for (int i = 0; i < mean.length; i++) {
                    expected[i] *= 1 - rate * 0.1;
                    expected[i] -= rate * Math.sqrt((double) rows / columns) * direction[i];
                }
                muon.step(list, rate);
            }
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], one.values()[i], 2e-6, "at " + i);
            }
            // AdamW's first steps are about its rate: a tenth of 0.02, 0.01 and 0.0067.
            double moved = Math.abs(first.values()[0] - start[0]);
            assertTrue(moved > 0 && moved < 0.004, "AdamW moved by " + moved);
        }
    }

    @Test
    void restoredMuonTakesTheSameStep() throws IOException {
        try (TrainingBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                Checkpoint checkpoint = Checkpoint.open(TinyModel.UNET64_FILE);
                UNet unet = UNet.load(backend, checkpoint, TinyModel.UNET64)) {
            List<Parameter> list = parameters(backend, unet);
            for (Parameter parameter : list) {
                float[] random = normals(parameter.gradient().length, 9);
                System.arraycopy(random, 0, parameter.gradient(), 0, random.length);
            }
            Muon first = new Muon(Muon.Settings.USUAL, backend);
            first.step(list, 0.02);
            Map<String, float[]> saved = new LinkedHashMap<>();
            first.state().forEach((name, values) -> saved.put(name, values.clone()));
            List<float[]> before = list.stream().map(p -> p.values().clone()).toList();
            first.step(list, 0.01);
            List<float[]> expected = list.stream().map(p -> p.values().clone()).toList();
            for (int i = 0; i < list.size(); i++) {
                float[] values = list.get(i).values();
                System.arraycopy(before.get(i), 0, values, 0, values.length);
            }
            Muon second = new Muon(Muon.Settings.USUAL, backend);
            Map<String, float[]> less = new LinkedHashMap<>(saved);
            less.remove(saved.keySet().iterator().next());
            assertThrows(IllegalArgumentException.class, () -> second.restore(list, 1, less));
            assertEquals(0, second.steps());
            second.restore(list, 1, saved);
            second.step(list, 0.01);
            for (int i = 0; i < list.size(); i++) {
                assertArrayEquals(expected.get(i), list.get(i).values(), list.get(i).name());
            }
        }
    }
}
