package dev.instaflow.ptx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels as nvcc compiles them, against plain Java in F64. */
class CompiledKernelsTest {
    /** F32 sums of n products of order 1: n ulp at most, far less on average. */
    private static final double F32_SUM = 0x1p-24;

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 33, 257, 1000})
    void vaddIsExactAtOddSizes(int n) throws IOException {
        Bench bench = Bench.ofFile("k_basic.ptx");
        float[] a = Bench.normal(n, 1);
        float[] b = Bench.normal(n, 2);
        long c = bench.memory.allocate(4L * n);
        EmulatedKernel k = bench.kernel("vadd");
        KernelArguments arguments =
                k.arguments().int64(bench.upload(a)).int64(bench.upload(b)).int64(c).int32(n);
        LaunchReport report =
                k.launchBothWays(Dim3.of((n + 127) / 128), Dim3.of(128), 0, arguments)
                        .requireClean();
        float[] expected = new float[n];
        for (int i = 0; i < n; i++) {
            expected[i] = a[i] + b[i];
        }
        assertArrayEquals(expected, bench.floats(c, n));
        assertEquals((4L * n + 31) / 32, report.traffic().storeSectors());
        assertEquals(report.traffic().idealLoadSectors(), report.traffic().loadSectors());
    }

    @ParameterizedTest
    @CsvSource({"1, 8, 1, 4, 32", "2, 12, 35, 3, 64", "2, 64, 49, 2, 256"})
    void groupNormSiluMatches(int n, int c, int hw, int perGroup, int block) throws IOException {
        Bench bench = Bench.ofFile("k_basic.ptx");
        float[] x = Bench.normal(n * c * hw, 3);
        float[] gamma = Bench.normal(c, 4);
        float[] beta = Bench.normal(c, 5);
        long y = bench.memory.allocate(4L * x.length);
        EmulatedKernel k = bench.kernel("groupnorm_silu");
        k.launchBothWays(
                        Dim3.of(n * c / perGroup),
                        Dim3.of(block),
                        0,
                        k.arguments()
                                .int64(bench.upload(x))
                                .int64(bench.upload(gamma))
                                .int64(bench.upload(beta))
                                .int64(y)
                                .int32(c)
                                .int32(hw)
                                .int32(perGroup)
                                .float32(1e-5f))
                .requireClean();
        // Variance as a difference of squares loses about a digit.
        close(groupNormSilu(x, gamma, beta, n, c, hw, perGroup), bench.floats(y, x.length), 2e-5);
    }

    private static double[] groupNormSilu(
            float[] x, float[] gamma, float[] beta, int n, int c, int hw, int perGroup) {
        double[] y = new double[x.length];
        int length = perGroup * hw;
        for (int start = 0; start < n * c * hw; start += length) {
            double sum = 0;
            double squares = 0;
            for (int i = start; i < start + length; i++) {
                sum += x[i];
                squares += (double) x[i] * x[i];
            }
            double mean = sum / length;
            double scale = 1 / Math.sqrt(squares / length - mean * mean + 1e-5f);
            for (int i = start; i < start + length; i++) {
                int channel = i / hw % c;
                double v = (x[i] - mean) * scale * gamma[channel] + beta[channel];
                y[i] = v / (1 + Math.exp(-v));
            }
        }
        return y;
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "64, 64, 16", "65, 31, 33", "100, 70, 7"})
    void sgemmMatchesAtOddSizes(int m, int n, int depth) throws IOException {
        Bench bench = Bench.ofFile("k_basic.ptx");
        float[] a = Bench.normal(m * depth, 6);
        float[] b = Bench.normal(depth * n, 7);
        long c = bench.memory.allocate(4L * m * n);
        EmulatedKernel k = bench.kernel("sgemm64");
        KernelArguments arguments =
                k.arguments()
                        .int64(bench.upload(a))
                        .int64(bench.upload(b))
                        .int64(c)
                        .int32(m)
                        .int32(n)
                        .int32(depth);
        k.launchBothWays(new Dim3((n + 63) / 64, (m + 63) / 64, 1), Dim3.of(256), 0, arguments)
                .requireClean();
        close(product(a, b, m, n, depth), bench.floats(c, m * n), 40 * depth * F32_SUM);
    }

    @ParameterizedTest
    @CsvSource({"64, 64, 32", "128, 64, 96"})
    void tensorCoreGemmMatches(int m, int n, int depth) throws IOException {
        Bench bench = Bench.ofFile("k_mma.ptx");
        short[] a = halves(Bench.normal(m * depth, 8));
        short[] b = halves(Bench.normal(depth * n, 9));
        long c = bench.memory.allocate(4L * m * n);
        EmulatedKernel k = bench.kernel("hgemm_mma");
        KernelArguments arguments =
                k.arguments()
                        .int64(bench.upload(a))
                        .int64(bench.upload(b))
                        .int64(c)
                        .int32(m)
                        .int32(n)
                        .int32(depth);
        LaunchReport report =
                k.launchBothWays(new Dim3(n / 64, m / 64, 1), Dim3.of(128), 0, arguments)
                        .requireClean();
        double[] expected = product(singles(a), singles(b), m, n, depth);
        close(expected, bench.floats(c, m * n), 40 * depth * F32_SUM);
        assertEquals((long) m * n * depth / (16 * 8 * 16), report.counts().mmaCount());
        assertEquals(4L * m * n, report.traffic().distinctStoreBytes());
    }

    private static double[] product(float[] a, float[] b, int m, int n, int depth) {
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                for (int l = 0; l < depth; l++) {
                    c[i * n + j] += (double) a[i * depth + l] * b[l * n + j];
                }
            }
        }
        return c;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 32, 77, 100})
    void softmaxMatches(int columns) throws IOException {
        Bench bench = Bench.ofFile("k_mma.ptx");
        int rows = 3;
        float[] x = Bench.normal(rows * columns, 10);
        long y = bench.memory.allocate(4L * x.length);
        EmulatedKernel k = bench.kernel("softmax_row");
        KernelArguments arguments = k.arguments().int64(bench.upload(x)).int64(y).int32(columns);
        k.launchBothWays(Dim3.of(rows), Dim3.of(32), 0, arguments).requireClean();
        double[] expected = new double[x.length];
        for (int r = 0; r < rows; r++) {
            double sum = 0;
            for (int i = 0; i < columns; i++) {
                expected[r * columns + i] = Math.exp(x[r * columns + i]);
                sum += expected[r * columns + i];
            }
            for (int i = 0; i < columns; i++) {
                expected[r * columns + i] /= sum;
            }
        }
        close(expected, bench.floats(y, x.length), 1e-6);
    }

    @Test
    void halfIntrinsicsOfTheToolkitMatch() throws IOException {
        int n = 100;
        Bench bench = Bench.ofFile("k_half.ptx");
        short[] x = halves(Bench.normal(2 * n, 11));
        long y = bench.memory.allocate(4L * n);
        EmulatedKernel silu = bench.kernel("h2silu");
        silu.launchBothWays(
                        Dim3.of(1),
                        Dim3.of(128),
                        0,
                        silu.arguments().int64(bench.upload(x)).int64(y).int32(n))
                .requireClean();
        int[] packed = bench.ints(y, n);
        for (int i = 0; i < 2 * n; i++) {
            double v = HalfFormat.F16.decode(x[i]);
            double expected = v / (1 + Math.exp(-v));
            double actual = HalfFormat.F16.decode(packed[i / 2] >>> 16 * (i & 1));
            // exp, sum and quotient are each rounded to 11 bits.
            assertTrue(
                    Math.abs(actual - expected) <= 2e-3 * Math.abs(expected) + 1e-6,
                    i + ": " + actual + " for " + expected);
        }
    }

    @Test
    void halfFmaRoundsOnceAndAtomicsAdd() throws IOException {
        int n = 64;
        Bench bench = Bench.ofFile("k_half.ptx");
        for (String name : new String[] {"h2fma", "bf2fma"}) {
            HalfFormat format = name.equals("h2fma") ? HalfFormat.F16 : HalfFormat.BF16;
            short[] a = encoded(Bench.normal(2 * n, 12), format);
            short[] b = encoded(Bench.normal(2 * n, 13), format);
            short[] c = encoded(Bench.normal(2 * n, 14), format);
            long out = bench.upload(c);
            EmulatedKernel k = bench.kernel(name);
            KernelArguments arguments =
                    k.arguments().int64(bench.upload(a)).int64(bench.upload(b)).int64(out).int32(n);
            k.launchBothWays(Dim3.of(1), Dim3.of(64), 0, arguments).requireClean();
            int[] packed = bench.ints(out, n);
            for (int i = 0; i < 2 * n; i++) {
                double exact =
                        (double) format.decode(a[i]) * format.decode(b[i]) + format.decode(c[i]);
                assertEquals(
                        format.encode(exact, Rounding.NEAREST_EVEN),
                        packed[i / 2] >>> 16 * (i & 1) & 0xffff,
                        name + " " + i);
            }
        }
        long sum = bench.upload(new float[] {1});
        short[] ones = encoded(new float[] {1, 2, 3}, HalfFormat.F16);
        EmulatedKernel k = bench.kernel("hmaxatom");
        k.launchBothWays(
                        Dim3.of(1),
                        Dim3.of(32),
                        0,
                        k.arguments().int64(sum).int64(bench.upload(ones)).int32(3))
                .requireClean();
        assertEquals(7f, bench.floats(sum, 1)[0]);
    }

    @Test
    void libraryFunctionsMatchOnFastAndSlowPaths() throws IOException {
        int n = 200;
        Bench bench = Bench.ofFile("k_math.ptx");
        float[] x = Bench.normal(n, 15);
        x[0] = 0;
        x[1] = 30;
        long y = bench.memory.allocate(4L * n);
        EmulatedKernel k = bench.kernel("math");
        KernelArguments arguments = k.arguments().int64(bench.upload(x)).int64(y).int32(n);
        k.launchBothWays(Dim3.of(2), Dim3.of(128), 0, arguments).requireClean();
        double[] expected = new double[n];
        for (int i = 0; i < n; i++) {
            double v = x[i];
            double size = Math.abs(v);
            expected[i] =
                    Math.sin(x[i] * 100000f)
                            + Math.cos(v)
                            + Math.log(size + 1)
                            + Math.tanh(v)
                            + Math.pow(size, 0.3f)
                            + v % 2
                            + Math.rint(v)
                            + Math.exp(-size);
        }
        // CUDA promises each function within a few ulp of values of order 1.
        close(expected, bench.floats(y, n), 3e-6);
    }

    /** Known answers from kat_vectors of Random123 1.14, philox4x32 with 10 rounds. */
    @ParameterizedTest
    @CsvSource({
        "0, 0, 0, 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        "-1, -1, -1, 408f276d 41c83b0e a20bc7c6 6d5451fd"
    })
    void philoxGivesItsKnownAnswers(long seed, long offset, long sub, String words)
            throws IOException {
        Bench bench = Bench.ofFile("k_math.ptx");
        long out = bench.memory.allocate(16);
        EmulatedKernel k = bench.kernel("philox");
        KernelArguments arguments = k.arguments().int64(out).int64(seed).int64(offset).int64(sub);
        k.launchBothWays(Dim3.of(1), Dim3.of(1), 0, arguments).requireClean();
        int[] expected = new int[4];
        for (int i = 0; i < 4; i++) {
            expected[i] = Integer.parseUnsignedInt(words.split(" ")[i], 16);
        }
        assertArrayEquals(expected, bench.ints(out, 4));
    }

    private static short[] halves(float[] values) {
        return encoded(values, HalfFormat.F16);
    }

    private static short[] encoded(float[] values, HalfFormat format) {
        short[] result = new short[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = (short) format.encode(values[i], Rounding.NEAREST_EVEN);
        }
        return result;
    }

    private static float[] singles(short[] halves) {
        float[] result = new float[halves.length];
        for (int i = 0; i < halves.length; i++) {
            result[i] = HalfFormat.F16.decode(halves[i]);
        }
        return result;
    }

    private static void close(double[] expected, float[] actual, double tolerance) {
        assertEquals(expected.length, actual.length);
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs(expected[i] - actual[i]);
            boolean good = difference <= tolerance * Math.max(1, Math.abs(expected[i]));
            assertTrue(good, "index " + i + ": " + actual[i] + ", expected " + expected[i]);
        }
    }
}
