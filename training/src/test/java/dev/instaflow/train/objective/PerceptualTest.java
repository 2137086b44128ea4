package dev.instaflow.train.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.model.TinyModel;
import dev.instaflow.tensor.Shape;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Perceptual distances on random weights: the original ones are not ours to ship. Values against plain loops in
 * F64 written down from the paper and torchvision's layer lists, gradients by central differences.
 */
class PerceptualTest {
    @TempDir Path folder;

    private static final double LPIPS_TOLERANCE = 4e-5;

    /** A network's layers as torchvision prints them: c(hannels kernel stride padding), p(ool side), t(ap). */
    private static final Map<String, String> LAYERS =
            Map.of(
                    "alex",
                    "c0 4 11 4 2 t p3 c3 6 5 1 2 t p3 c6 5 3 1 1 t c8 4 3 1 1 t c10 3 3 1 1 t",
                    "vgg",
                    "c0 4 3 1 1 c2 4 3 1 1 t p2 c5 5 3 1 1 c7 5 3 1 1 t p2 c10 3 3 1 1 c12 3 3 1 1 "
                            + "c14 3 3 1 1 t p2 c17 4 3 1 1 c19 4 3 1 1 c21 4 3 1 1 t p2 c24 3 3 1 1 "
                            + "c26 3 3 1 1 c28 3 3 1 1 t");

    private static List<Entry> weights(String network) {
        List<Entry> entries = new ArrayList<>();
        String[] words = LAYERS.get(network).split(" ");
        int in = 3;
        int lin = 0;
        long seed = 1;
        for (int i = 0; i < words.length; i++) {
            if (words[i].startsWith("c")) {
                String name = "features." + words[i].substring(1);
                int out = Integer.parseInt(words[i + 1]);
                int k = Integer.parseInt(words[i + 2]);
                double deviation = Math.sqrt(2.0 / (in * k * k));
                float[] values = Gradients.normals(out * in * k * k, seed++, deviation);
                List<Long> shape = List.of((long) out, (long) in, (long) k, (long) k);
                entries.add(HeapEntry.ofFloats(name + ".weight", shape, values));
                float[] bias = Gradients.normals(out, seed++, 0.3);
                for (int c = 0; c < out; c += 2) {
                    bias[c] += 1.5f; // so that no vector of features is zero, where there is no
                    // gradient
                }
                entries.add(HeapEntry.ofFloats(name + ".bias", List.of((long) out), bias));
                in = out;
            } else if (words[i].equals("t")) {
                float[] values = Gradients.normals(in, seed++, 1);
                for (int c = 0; c < in; c++) {
                    values[c] = Math.abs(values[c]);
                }
                List<Long> shape = List.of(1L, (long) in, 1L, 1L);
                String name = "lin" + lin + ".model.1.weight";
                entries.add(HeapEntry.ofFloats(name, shape, values));
                lin++;
            }
        }
        return entries;
    }

    private Checkpoint file(List<Entry> entries) throws IOException {
        Path path = folder.resolve("weights-" + System.nanoTime() + ".safetensors");
        SafetensorsWriter.write(path, entries, Map.of());
        return Checkpoint.open(path);
    }

    private static double[][][] planes(float[] picture, int height, int width) {
        double[] shift = {-0.030, -0.088, -0.188};
        double[] scale = {0.458, 0.448, 0.450};
        double[][][] x = new double[3][height][width];
        for (int i = 0; i < picture.length; i++) {
            x[i % 3][i / 3 / width][i / 3 % width] = (picture[i] - shift[i % 3]) / scale[i % 3];
        }
        return x;
    }

    /** Plain loops, channels first. */
    private static List<double[][][]> features(
            String network, List<Entry> weights, double[][][] input) throws IOException {
        List<double[][][]> taps = new ArrayList<>();
        String[] words = LAYERS.get(network).split(" ");
        double[][][] x = input;
        int next = 0;
        for (int i = 0; i < words.length; i++) {
            if (words[i].startsWith("c")) {
                int k = Integer.parseInt(words[i + 2]);
                int stride = Integer.parseInt(words[i + 3]);
                int pad = Integer.parseInt(words[i + 4]);
                while (!weights.get(next).name().startsWith("features")) {
                    next++;
                }
                x = conv(x, array(weights.get(next)), array(weights.get(next + 1)), k, stride, pad);
                next += 2;
            } else if (words[i].startsWith("p")) {
                x = pool(x, Integer.parseInt(words[i].substring(1)));
            } else if (words[i].equals("t")) {
                taps.add(x);
            }
        }
        return taps;
    }

    private static float[] array(Entry entry) throws IOException {
        float[] values = new float[(int) entry.count()];
        entry.readFloats(0, values, 0, values.length);
        return values;
    }

    private static double[][][] conv(
            double[][][] x, float[] w, float[] b, int k, int stride, int pad) {
        int height = (x[0].length + 2 * pad - k) / stride + 1;
        int width = (x[0][0].length + 2 * pad - k) / stride + 1;
        double[][][] y = new double[b.length][height][width];
        for (int o = 0; o < b.length; o++) {
            for (int r = 0; r < height; r++) {
                for (int s = 0; s < width; s++) {
                    double sum = b[o];
                    for (int c = 0; c < x.length; c++) {
                        for (int i = 0; i < k * k; i++) {
                            int row = r * stride - pad + i / k;
                            int col = s * stride - pad + i % k;
                            if (row >= 0 && col >= 0 && row < x[0].length && col < x[0][0].length) {
                                sum += x[c][row][col] * w[(o * x.length + c) * k * k + i];
                            }
                        }
                    }
                    y[o][r][s] = Math.max(0, sum);
                }
            }
        }
        return y;
    }

    private static double[][][] pool(double[][][] x, int k) {
        int height = (x[0].length - k) / 2 + 1;
        int width = (x[0][0].length - k) / 2 + 1;
        double[][][] y = new double[x.length][height][width];
        for (int c = 0; c < x.length; c++) {
            for (int r = 0; r < height; r++) {
                for (int s = 0; s < width; s++) {
                    y[c][r][s] = Double.NEGATIVE_INFINITY;
                    for (int i = 0; i < k * k; i++) {
                        y[c][r][s] = Math.max(y[c][r][s], x[c][2 * r + i / k][2 * s + i % k]);
                    }
                }
            }
        }
        return y;
    }

    private static double plainDistance(
            String network, List<Entry> weights, float[] a, float[] b, int height, int width)
            throws IOException {
        List<double[][][]> fa = features(network, weights, planes(a, height, width));
        List<double[][][]> fb = features(network, weights, planes(b, height, width));
        List<Entry> lins = weights.stream().filter(e -> e.name().startsWith("lin")).toList();
        double total = 0;
        for (int layer = 0; layer < fa.size(); layer++) {
            float[] lin = array(lins.get(layer));
            double[][][] x = fa.get(layer);
            double[][][] y = fb.get(layer);
            double sum = 0;
            for (int r = 0; r < x[0].length; r++) {
                for (int s = 0; s < x[0][0].length; s++) {
                    double nx = 0;
                    double ny = 0;
                    for (int c = 0; c < x.length; c++) {
                        nx += x[c][r][s] * x[c][r][s];
                        ny += y[c][r][s] * y[c][r][s];
                    }
                    for (int c = 0; c < x.length; c++) {
                        double d =
                                x[c][r][s] / (Math.sqrt(nx) + 1e-10)
                                        - y[c][r][s] / (Math.sqrt(ny) + 1e-10);
                        sum += lin[c] * d * d;
                    }
                }
            }
            total += sum / (x[0].length * x[0][0].length);
        }
        return total;
    }

    @Test
    void lpipsIsThatOfPlainLoops() throws IOException {
        int height = 67; // AlexNet's pooling leaves a rest
        int width = 64;
        for (String network : LAYERS.keySet()) {
            List<Entry> weights = weights(network);
            float[] a = Gradients.normals(height * width * 3, 11, 0.5);
            float[] b = Gradients.normals(height * width * 3, 12, 0.5);
            double expected = plainDistance(network, weights, a, b, height, width);
            try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                    Checkpoint file = file(weights);
                    Lpips lpips = Lpips.load(backend, file, file)) {
                double value = lpips.between(Shape.of(1, height, width, 3), a, b).value();
                // F32 sums of up to 363 products, normalised: a few 1e-6 of the value.
                assertEquals(expected, value, 2e-5 * expected, network);
                assertEquals(0, lpips.between(Shape.of(1, height, width, 3), a, a).value());
                float[] twice = new float[2 * a.length];
                float[] other = new float[2 * a.length];
                System.arraycopy(a, 0, twice, 0, a.length);
                System.arraycopy(b, 0, other, 0, a.length);
                double half = lpips.between(Shape.of(2, height, width, 3), twice, other).value();
                assertEquals(expected / 2, half, 2e-5 * expected, "a mean over pictures");
            }
        }
    }

    /**
     * In F64 but for F32 features at the seams, which limits differences over 2^-8 to some 1e-6; a ReLU or a
     * maximum that turns within a step adds some 1e-5. Value 544 is left out: a ReLU of VGG16 turns there.
     */
    @Test
    void lpipsGradientIsThatOfCentralDifferencesAlphaIncluded() throws IOException {
        Shape shape = Shape.of(1, 35, 35, 4);
        int count = 35 * 35 * 4;
        for (String network : LAYERS.keySet()) {
            try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
                    Checkpoint file = file(weights(network));
                    Lpips lpips = Lpips.load(backend, file, file)) {
                if (network.equals("alex")) { // nothing would be left to pool
                    assertThrows(
                            IllegalArgumentException.class,
                            () ->
                                    lpips.between(
                                            Shape.of(1, 15, 15, 4),
                                            new float[900],
                                            new float[900]));
                }
                Gradients.assertCentral(
                        lpips,
                        shape,
                        Gradients.normals(count, 5, 0.5),
                        Gradients.normals(count, 6, 0.5),
                        1088,
                        0x1p-8,
                        LPIPS_TOLERANCE);
            }
        }
    }

    @Test
    void namesOfTheWholePackageServeToo() throws IOException {
        List<Entry> weights = weights("alex");
        List<Entry> renamed = new ArrayList<>();
        String[] slices = {"0", "3", "6", "8", "10"};
        for (Entry entry : weights) {
            String name = entry.name();
            for (int i = 0; i < slices.length; i++) {
                name =
                        name.replace(
                                "features." + slices[i] + ".",
                                "net.slice" + (i + 1) + "." + slices[i] + ".");
            }
            name = name.startsWith("lin") ? name.replace("lin", "lins.") : name;
            renamed.add(HeapEntry.ofFloats(name, entry.shape(), array(entry)));
        }
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);
                Checkpoint one = file(weights);
                Checkpoint other = file(renamed);
                Lpips first = Lpips.load(backend, one, one);
                Lpips second = Lpips.load(backend, other, other)) {
            assertEquals(first.description(), second.description());
        }
    }

    @Test
    void missingOrForeignWeightsAreNamed() throws IOException {
        List<Entry> weights = weights("vgg");
        List<Entry> without = new ArrayList<>(weights);
        without.removeIf(entry -> entry.name().equals("features.12.bias"));
        assertRefused(without, "features.12.bias");
        without.removeIf(entry -> entry.name().startsWith("features.0"));
        assertRefused(without, "features.0.weight");
        List<Entry> wrong = new ArrayList<>(weights);
        wrong.removeIf(entry -> entry.name().startsWith("lin3"));
        wrong.add(HeapEntry.ofFloats("lin3.model.1.weight", List.of(1L, 3L, 1L, 1L), 1, 2, 3));
        assertRefused(wrong, "[1, 4, 1, 1]");
    }

    private void assertRefused(List<Entry> weights, String what) throws IOException {
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);
                Checkpoint file = file(weights)) {
            String message =
                    assertThrows(
                                    CheckpointFormatException.class,
                                    () -> Lpips.load(backend, file, file))
                            .getMessage();
            assertTrue(message.contains(what), message);
        }
    }

    @Test
    void encoderFeaturesHaveTheirGradient() throws IOException {
        Shape shape = Shape.of(1, 16, 16, 3);
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
                Checkpoint checkpoint = TinyModel.open();
                AutoencoderKl vae =
                        AutoencoderKl.load(
                                backend, checkpoint, TinyModel.VAE, AutoencoderKl.Parts.ENCODER)) {
            EncoderFeatures features = EncoderFeatures.of(backend, vae);
            float[] a = Gradients.normals(768, 7, 0.5);
            float[] b = Gradients.normals(768, 8, 0.5);
            assertEquals(0, features.between(shape, a, a).value());
            assertNotEquals(0, features.between(shape, a, b).value());
            Gradients.assertCentral(features, shape, a, b, 96, 0x1p-9, 4e-5);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new EncoderFeatures(backend, vae, List.of("vae.encoder.down.9.block.0")));
        }
    }
}
