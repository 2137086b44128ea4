package dev.instaflow.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class NoiseSourceTest {
    private static final Path RNG = GoldenCase.FOLDER.resolve("rng");

    // What the vector polynomials of torch's AVX2 kernel are away from the exact functions.
    private static final int TORCH_ULPS = 3;
    // Next to a zero of sine or cosine ulps are meaningless; the oracle's own implementation agrees
    // to
    // this in absolute terms.
    private static final double TORCH_ABSOLUTE = 5e-7;
    // The scalar kernel does not round the angle to float; the two kernels differ by up to this.
    private static final double SCALAR_KERNEL = 2e-6;

    // An angle up to 2 pi rounded to float, times the largest radius, 6.7.
    private static final double FLOAT_ANGLE = 0x1p-22 * 6.7;

    @Test
    void torchCpuEqualsTorchInAllCases() throws IOException {
        int cases = 0;
        for (JsonNode expected : rng("rng.json").get("cases")) {
            int n = expected.get("n").intValue();
            float[] actual = torch(expected).normals(n);
            String what = "seed " + expected.get("seed") + ", n " + n;
            float[] first = floats(expected.get("first64"));
            float[] last = floats(expected.get("last16"));
            assertSame(what, n, Arrays.copyOf(actual, first.length), first);
            assertSame(what, n, Arrays.copyOfRange(actual, n - last.length, n), last);
            assertEquals(expected.get("sum_f64").doubleValue(), sum(actual), n * TORCH_ABSOLUTE);
            cases++;
        }
        assertEquals(60, cases);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 42, 1234567, 4294967303L, Long.MAX_VALUE})
    void torchCpuEqualsAWholeDrawOfTorch(long seed) throws IOException {
        float[] expected = Npy.read(RNG.resolve("randn_s" + seed + "_n1000.npy")).floats();
        assertEquals(1000, expected.length);
        assertSame(
                "seed " + seed, 1000, NoiseSource.TORCH_CPU.stream(seed).normals(1000), expected);
    }

    @Test
    void torchCpuEqualsTorchsScalarKernelWithinTheKernelsDifference() throws IOException {
        int cases = 0;
        for (JsonNode expected : rng("rng-scalar-kernel.json").get("cases")) {
            int n = expected.get("n").intValue();
            float[] first = floats(expected.get("first64"));
            float[] actual = Arrays.copyOf(torch(expected).normals(n), first.length);
            for (int i = 0; i < first.length; i++) {
                assertEquals(first[i], actual[i], n < 16 ? 0 : SCALAR_KERNEL);
            }
            cases++;
        }
        assertEquals(15, cases);
    }

    @Test
    void torchCpuStartsFromTheStandardMersenneTwister() throws IOException {
        JsonNode seeds = rng("rng.json").get("raw_mt_first8");
        assertEquals(6, seeds.size());
        seeds.properties()
                .forEach(
                        seed -> {
                            Mt19937 bits = new Mt19937((int) Long.parseLong(seed.getKey()));
                            seed.getValue()
                                    .forEach(
                                            word ->
                                                    assertEquals(
                                                            (int) word.longValue(),
                                                            bits.next32(),
                                                            "seed " + seed.getKey()));
                        });
    }

    @Test
    void torchCpuStaysInStepThroughMixedDraws() throws IOException {
        JsonNode sequence = rng("rng.json").get("sequence");
        TorchCpuStream stream = new TorchCpuStream(sequence.get("seed").longValue());
        int checked = 0;
        for (JsonNode draw : sequence.get("draws")) {
            double[] expected =
                    IntStream.range(0, draw.get("n").intValue())
                            .mapToDouble(i -> draw.get("values").get(i).doubleValue())
                            .toArray();
            String kind = draw.get("kind").textValue();
            if (kind.equals("randn64") && expected.length >= 16) {
                // Float64 blocks and MKL's bernoulli, the last two draws, are not ours to make.
                break;
            }
            double[] actual = draw(stream, kind, expected.length);
            double tolerance = expected.length < 16 ? 0 : TORCH_ABSOLUTE;
            boolean wide = kind.equals("randn64");
            assertArrayEquals(expected, actual, wide ? Math.ulp(2.0) : tolerance, draw.toString());
            checked++;
        }
        assertEquals(12, checked);
    }

    @Test
    void torchHalfDrawsAreTheFloatDrawsRounded() throws IOException {
        int checked = 0;
        for (JsonNode draw : rng("rng.json").get("half")) {
            // Half has 11 significant bits, bfloat16 has 8.
            double relative = draw.get("dtype").textValue().endsWith("bfloat16") ? 0x1p-8 : 0x1p-11;
            float[] expected = floats(draw.get("values"));
            float[] actual = torch(draw).normals(expected.length);
            for (int i = 0; i < expected.length; i++) {
                double allowed = Math.abs(actual[i]) * relative * 1.01;
                assertEquals(actual[i], expected[i], allowed, draw.get("dtype") + " " + i);
            }
            checked++;
        }
        assertEquals(12, checked);
    }

    @Test
    void philoxGivesTheKnownAnswers() {
        int[] zeros = {0, 0, 0, 0};
        Philox.scrambleInPlace(zeros, 0, 0);
        assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, zeros);
        int[] ones = {-1, -1, -1, -1};
        Philox.scrambleInPlace(ones, -1, -1);
        assertArrayEquals(new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, ones);
    }

    @Test
    void torchCudaTakesOneCounterAnElementAndTheNextRoundInTheNextCall() {
        NoiseStream stream = NoiseSource.TORCH_CUDA.stream(7);
        float[] first = stream.normals(300);
        float[] second = stream.normals(300);
        for (int i : new int[] {0, 1, 255, 256, 299}) {
            assertEquals(firstNormal(0, i, 7), first[i], FLOAT_ANGLE);
            assertEquals(firstNormal(1, i, 7), second[i], FLOAT_ANGLE);
        }
    }

    @Test
    void torchCudaSharesTheRoundAmongFourStretchesOnceThreadsRunOut() {
        int threads = 108 * 2048;
        float[] long4 = NoiseSource.TORCH_CUDA.stream(7).normals(threads + 3);
        float[] short1 = NoiseSource.TORCH_CUDA.stream(7).normals(100);
        assertArrayEquals(short1, Arrays.copyOf(long4, 100));
        // The radius is shared by the two normals of a pair, so their squares add up to it.
        int[] words = {0, 0, 2, 0};
        Philox.scrambleInPlace(words, 7, 0);
        double radius = Math.sqrt(-2 * Math.log(((words[0] & 0xFFFFFFFFL) + 0.5) * 0x1p-32));
        assertEquals(radius, Math.hypot(long4[2], long4[threads + 2]), 1e-5);
    }

    @Test
    void javaStreamIsTheWrittenDownAlgorithm() {
        // SplitMix64's published first outputs for the state 1234567.
        long state = 1234567;
        long[] published = {6457827717110365317L, 3203168211198807973L, -8629252141511181193L};
        for (long expected : published) {
            state += 0x9E3779B97F4A7C15L;
            assertEquals(expected, JavaStream.mix(state));
        }
        assertTrue(normalMoments(NoiseSource.JAVA));
    }

    @ParameterizedTest
    @EnumSource
    void numbersAreNormal(NoiseSource source) {
        assertTrue(normalMoments(source));
    }

    @ParameterizedTest
    @EnumSource
    void anImageDoesNotDependOnItsBatchMates(NoiseSource source) {
        Shape three = Shape.of(3, 4, 5, 4);
        Shape one = Shape.of(1, 4, 5, 4);
        ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);
        try (Scope scope = backend.openScope("noise")) {
            BatchNoise batch = BatchNoise.of(source, 40, 3);
            BatchNoise alone = BatchNoise.of(source, 42, 1);
            for (int draw = 0; draw < 2; draw++) {
                float[] together = scope.ops().toArray(batch.next(scope.ops(), three));
                float[] single = scope.ops().toArray(alone.next(scope.ops(), one));
                assertArrayEquals(single, Arrays.copyOfRange(together, 160, 240));
            }
        }
        backend.close();
    }

    @Test
    void numbersAreDrawnInTheOrderOfAFile() {
        float[] nchw = NoiseSource.TORCH_CPU.stream(5).normals(24);
        ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);
        try (Scope scope = backend.openScope("noise")) {
            BatchNoise noise = BatchNoise.of(NoiseSource.TORCH_CPU, 5, 1);
            float[] nhwc = scope.ops().toArray(noise.next(scope.ops(), Shape.of(1, 2, 3, 4)));
            for (int c = 0; c < 4; c++) {
                for (int p = 0; p < 6; p++) {
                    assertEquals(nchw[c * 6 + p], nhwc[p * 4 + c]);
                }
            }
            assertThrows(
                    IllegalArgumentException.class,
                    () -> noise.next(scope.ops(), Shape.of(2, 2, 3, 4)));
        }
        backend.close();
    }

    @Test
    void anUnknownNameIsRefusedWithTheKnownOnes() {
        assertEquals(NoiseSource.TORCH_CUDA, NoiseSource.of("torch-cuda"));
        String message =
                assertThrows(IllegalArgumentException.class, () -> NoiseSource.of("cuda"))
                        .getMessage();
        assertTrue(message.contains("torch-cpu, torch-cuda, java"), message);
    }

    private static double[] draw(TorchCpuStream stream, String kind, int n) {
        double[] values = new double[n];
        switch (kind) {
            case "randn" -> {
                float[] normals = stream.normals(n);
                Arrays.setAll(values, i -> normals[i]);
            }
            case "randn64" -> Arrays.setAll(values, i -> stream.single());
            case "rand" -> Arrays.setAll(values, i -> stream.uniform());
            case "rand64" -> Arrays.setAll(values, i -> stream.uniform64());
            case "randint1000" -> Arrays.setAll(values, i -> below(stream, 1000));
            case "randperm" -> {
                Arrays.setAll(values, i -> i);
                for (int i = 0; i < n - 1; i++) {
                    int j = i + below(stream, n - i);
                    double kept = values[i];
                    values[i] = values[j];
                    values[j] = kept;
                }
            }
            default -> throw new AssertionError("draw " + kind);
        }
        return values;
    }

    private static int below(TorchCpuStream stream, int bound) {
        return Integer.remainderUnsigned(stream.bits().next32(), bound);
    }

    private static double firstNormal(int round, int element, int seed) {
        int[] words = {round, 0, element, 0};
        Philox.scrambleInPlace(words, seed, 0);
        double u = ((words[0] & 0xFFFFFFFFL) + 0.5) * 0x1p-32;
        double v = ((words[1] & 0xFFFFFFFFL) + 0.5) * 0x1p-32;
        return Math.sqrt(-2 * Math.log(u)) * Math.sin(2 * Math.PI * v);
    }

    // Mean, variance and kurtosis of 2^18 numbers, each within five standard errors.
    private static boolean normalMoments(NoiseSource source) {
        int n = 1 << 18;
        double[] moments = new double[5];
        for (float x : source.stream(99).normals(n)) {
            for (int k = 1; k < moments.length; k++) {
                moments[k] += Math.pow(x, k) / n;
            }
        }
        double error = 5 / Math.sqrt(n);
        return Math.abs(moments[1]) < error
                && Math.abs(moments[2] - 1) < error * Math.sqrt(2)
                && Math.abs(moments[3]) < error * Math.sqrt(15)
                && Math.abs(moments[4] - 3) < error * Math.sqrt(96);
    }

    private static void assertSame(String what, int n, float[] actual, float[] expected) {
        for (int i = 0; i < expected.length; i++) {
            double allowed =
                    n < 16 ? 0 : Math.min(TORCH_ULPS * Math.ulp(expected[i]), TORCH_ABSOLUTE);
            assertEquals(expected[i], actual[i], allowed, what + ", at " + i);
        }
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }

    private static NoiseStream torch(JsonNode node) {
        return NoiseSource.TORCH_CPU.stream(node.get("seed").longValue());
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).floatValue();
        }
        return values;
    }

    private static JsonNode rng(String name) throws IOException {
        return new ObjectMapper().readTree(RNG.resolve(name).toFile());
    }
}
