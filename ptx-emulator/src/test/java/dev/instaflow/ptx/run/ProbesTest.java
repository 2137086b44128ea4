package dev.instaflow.ptx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What nvcc makes of CUDA that uses many instructions, against the same in plain Java. */
class ProbesTest {
    private static final int N = 64;

    private final int[] in = new int[N];

    ProbesTest() {
        Random random = new Random(3);
        for (int i = 0; i < N; i++) {
            in[i] = random.nextInt() >> random.nextInt(20);
        }
    }

    private int at(int i) {
        return in[i % N];
    }

    private int[] run(String file, String kernel) throws IOException {
        Bench bench = Bench.ofFile(file);
        long out = bench.memory.allocate(4 * N);
        EmulatedKernel k = bench.kernel(kernel);
        KernelArguments arguments = k.arguments().int64(bench.upload(in)).int64(out).int32(N);
        int dynamicBytes = kernel.equals("dynamic") ? 2 * 4 * N : 0;
        k.launchBothWays(Dim3.of(1), Dim3.of(N), dynamicBytes, arguments).requireClean();
        return bench.ints(out, N);
    }

    private void check(String file, String kernel, IntUnaryOperator expected) throws IOException {
        int[] actual = run(file, kernel);
        for (int i = 0; i < N; i++) {
            assertEquals(expected.applyAsInt(i), actual[i], kernel + " thread " + i);
        }
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    @Test
    void deviceFunctionsAreCalled() throws IOException {
        check(
                "p_control.ptx",
                "calls",
                i -> {
                    int g = gcd(in[i] & 1023, i + 1);
                    int value = g * 3 + (int) (i + 0.5f);
                    return value > 10 ? gcd(value, 12) : -value;
                });
    }

    @Test
    void switchesChooseTheirCase() throws IOException {
        check(
                "p_control.ptx",
                "table",
                i -> {
                    int v = in[i];
                    return switch (v & 15) {
                        case 0 -> v * 3;
                        case 1 -> v ^ 77;
                        case 2 -> v / 7;
                        case 3 -> Integer.bitCount(v);
                        case 4 -> v + in[0];
                        case 5 -> v << 3;
                        case 6 -> -v;
                        case 7 -> Integer.numberOfLeadingZeros(v);
                        case 8 -> v | 5;
                        case 9 -> v % 11;
                        case 10 -> ~v;
                        case 11 -> v - 99;
                        default -> 42;
                    };
                });
    }

    @Test
    void tablesOfBranchesSendEachLaneItsWay() {
        Bench bench =
                Bench.ofBody(
                        "",
                        "and.b32 %r1, %t, 3; setp.ne.u32 %p1, %t, 9; mov.u32 %r2, 50;\nT: .branchtargets L0, L1, L2, L1;\n"
                                + "@%p1 brx.idx %r1, T;\nadd.u32 %r2, %r2, 4; bra.uni END;\nL0: mov.u32 %r2, 10; bra END;\nL1: mov.u32 %r2, 11; bra END;\n"
                                + "L2: mov.u32 %r2, 12;\nEND: shl.b32 %r3, %t, 2; cvt.u64.u32 %d1, %r3; add.s64 %d1, %d1, %b; st.global.u32 [%d1], %r2; ret;");
        long out = bench.memory.allocate(128);
        EmulatedKernel k = bench.kernel("k");
        k.launchBothWays(Dim3.of(1), Dim3.of(32), 0, k.arguments().int64(out).int64(out))
                .requireClean();
        int[] expected = new int[32];
        Arrays.setAll(expected, i -> i == 9 ? 54 : new int[] {10, 11, 12, 11}[i & 3]);
        assertArrayEquals(expected, bench.ints(out, 32));
    }

    @Test
    void barriersCountVotes() throws IOException {
        int odd = (int) Arrays.stream(in).filter(v -> (v & 1) != 0).count();
        boolean any = Arrays.stream(in).anyMatch(v -> v == 12345);
        check("p_control.ptx", "barriers", i -> odd * 4 + (any ? 2 : 0) + (any ? 0 : 1));
    }

    @Test
    void whoArrivesAtABarrierNeedNotWait() throws IOException {
        check("p_control.ptx", "arrive", i -> i < 32 ? 0 : in[63 - i]);
    }

    @Test
    void carriesGoFromWordToWord() throws IOException {
        check(
                "p_control.ptx",
                "carries",
                i -> {
                    long a = at(i) & 0xffffffffL;
                    long b = at(i + 1) & 0xffffffffL;
                    long c = at(i + 2) & 0xffffffffL;
                    long d = at(i + 3) & 0xffffffffL;
                    long low = a + b;
                    long high = c + d + (low >>> 32);
                    long difference = (a - c & 0xffffffffL) - b - (a < c ? 1 : 0);
                    long productLow = (a * b & 0xffffffffL) + c;
                    long productHigh = (a * b >>> 32) + d + (productLow >>> 32);
                    return (int) low
                            ^ (int) high * 3
                            ^ (int) (high >>> 32) * 5
                            ^ (int) difference * 7
                            ^ (int) productLow * 11
                            ^ (int) productHigh * 13;
                });
        check(
                "p_control.ptx",
                "wide",
                i -> {
                    BigInteger x =
                            new BigInteger(Long.toUnsignedString(in[i]))
                                    .multiply(BigInteger.valueOf(0x123456789abcdefL))
                                    .add(BigInteger.valueOf(in[0] & 0xffffffffL));
                    return x.shiftRight(64).intValue() ^ x.shiftRight(32).intValue() ^ x.intValue();
                });
    }

    @Test
    void localArraysAreEachThreadsOwn() throws IOException {
        check(
                "p_control.ptx",
                "local",
                i -> {
                    int[] s = new int[16];
                    Arrays.setAll(s, j -> at(i + j));
                    int at = in[i] & 15;
                    int sum = 0;
                    for (int j = 0; j < 5; j++) {
                        sum += s[at];
                        s[at + j & 15] = sum;
                        at = s[at] & 15;
                    }
                    return sum;
                });
    }

    @Test
    void genericPointersFindTheirSpace() throws IOException {
        check("p_control.ptx", "generic", i -> (in[i] & 1) != 0 ? at(i + 1) * 2 + 1000 : at(i + 1));
    }

    private static int dot(int a, int b, int aBits, int bSkip, boolean signed) {
        int sum = 0;
        for (int i = 0; i < 32 / aBits; i++) {
            int x = a << 32 - aBits * (i + 1);
            int y = b << 24 - 8 * i - bSkip;
            sum += signed ? (x >> 32 - aBits) * (y >> 24) : (x >>> 32 - aBits) * (y >>> 24);
        }
        return sum;
    }

    @Test
    void dotProductsOfBytesAndHalvesMatch() throws IOException {
        check(
                "p_control.ptx",
                "dots",
                i ->
                        dot(in[i], in[0], 8, 0, true)
                                + 7
                                + dot(in[i], in[1], 8, 0, false)
                                + 9
                                + dot(in[i], in[2], 16, 0, true)
                                + 1
                                + dot(in[i], in[3], 16, 16, true)
                                + 2);
    }

    @Test
    void shufflesMoveWordsAndDoubleWords() throws IOException {
        check(
                "p_warp.ptx",
                "shuffles",
                i -> {
                    int lane = i & 31;
                    int a = in[i & ~7 | 3];
                    int b = lane < 2 ? in[i] : in[i - 2];
                    int c = (lane & 15) + 5 > 15 ? in[i] : in[i + 5];
                    long w = (long) in[i ^ 1] * in[i ^ 1];
                    int f = lane == 31 ? in[i] : in[i + 1];
                    return a ^ b * 3 ^ c * 5 ^ in[i ^ 9] * 7 ^ (int) w ^ f;
                });
    }

    private int lanes(int i, java.util.function.IntPredicate holds) {
        int mask = 0;
        for (int lane = 0; lane < 32; lane++) {
            mask |= holds.test(in[i & 32 | lane]) ? 1 << lane : 0;
        }
        return mask;
    }

    @Test
    void votesAndMatchesSeeTheWarp() throws IOException {
        check(
                "p_warp.ptx",
                "votes",
                i -> {
                    int any = lanes(i, v -> v == 5) != 0 ? 1 : 0;
                    int all = lanes(i, v -> v != 5) == -1 ? 1 : 0;
                    int same = lanes(i, v -> (v & 7) == (in[i] & 7));
                    return lanes(i, v -> (v & 1) != 0) * 3
                            ^ any << 1
                            ^ all
                            ^ same * 5
                            ^ -1
                            ^ 1 << 7;
                });
        check(
                "p_warp.ptx",
                "reduces",
                i -> {
                    int[] w = Arrays.copyOfRange(in, i & 32, (i & 32) + 32);
                    long unsigned =
                            Arrays.stream(w).mapToLong(Integer::toUnsignedLong).max().orElse(0);
                    return Arrays.stream(w).sum()
                            ^ Arrays.stream(w).min().orElse(0)
                            ^ Arrays.stream(w).max().orElse(0)
                            ^ (int) unsigned
                            ^ Arrays.stream(w).reduce(-1, (a, b) -> a & b)
                            ^ Arrays.stream(w).reduce(0, (a, b) -> a | b)
                            ^ Arrays.stream(w).reduce(0, (a, b) -> a ^ b);
                });
    }

    @Test
    void atomicsOfAllKindsAddUp() throws IOException {
        int[] out = run("p_warp.ptx", "atomics");
        assertEquals(7 + Arrays.stream(in).sum(), out[8]);
        assertEquals(Math.min(7, Arrays.stream(in).min().orElseThrow()), out[9]);
        long largest = Arrays.stream(in).mapToLong(Integer::toUnsignedLong).max().orElseThrow();
        assertEquals((int) Math.max(7, largest), out[10]);
        assertEquals(Arrays.stream(in).reduce(7, (a, b) -> a ^ b), out[11]);
        assertEquals(Arrays.stream(in).map(v -> v & 7).sum(), out[12]);
        assertEquals(Arrays.stream(in).map(v -> v & 1023).max().orElseThrow(), out[13]);
        assertEquals(Arrays.stream(in).map(v -> v & 3).sum(), out[0]);
        assertEquals(-1, out[1]);
        assertEquals(Arrays.stream(in).reduce(2, (a, b) -> a & (~b | 2)), out[2]);
        int counter = 3;
        for (int i = 0; i < N; i++) {
            counter = counter >= 9 ? 0 : counter + 1;
        }
        assertEquals(counter, out[3]);
        long wide = 6 | 7L << 32;
        for (int v : in) {
            wide += v;
        }
        assertEquals(wide, out[6] & 0xffffffffL | (long) out[7] << 32);
        assertEquals(77, out[14]);
        assertEquals(14 * 3 + in[14], out[15]);
    }

    @Test
    void halfAtomicsAdd() throws IOException {
        int[] out = run("p_warp.ptx", "half_atomics");
        // Sums of at most 448, exact in F16; those in bfloat16 are exact up to 256 only.
        int sum = Arrays.stream(in).map(v -> v & 7).sum();
        assertEquals(sum, HalfFormat.F16.decode(out[0]));
        assertEquals(2f * sum, HalfFormat.F16.decode(out[0] >>> 16), 1);
        assertEquals(64f, HalfFormat.BF16.decode(out[1] >>> 16));
        assertEquals(sum, HalfFormat.F16.decode(out[2]));
        assertEquals(64f, HalfFormat.BF16.decode(out[3]));
    }

    /** Conversions and half arithmetic are judged by InstructionsTest; here, that all of them are known. */
    @ParameterizedTest
    @CsvSource({
        "p_warp.ptx, masks",
        "p_half.ptx, h2_arith",
        "p_half.ptx, b2_arith",
        "p_half.ptx, h2_compare",
        "p_half.ptx, b2_compare",
        "p_half.ptx, h2_functions",
        "p_half.ptx, h2_tanh",
        "p_half.ptx, b2_functions",
        "p_half.ptx, h_convert",
        "p_half.ptx, f_convert",
        "p_fast.ptx, bits"
    })
    void kernelsRunCleanAndTheSameBothWays(String file, String kernel) throws IOException {
        assertTrue(Arrays.stream(run(file, kernel)).distinct().count() > 1);
    }

    @Test
    void cacheOperatorsDynamicSharedAndConstantMemoryChangeNothing() throws IOException {
        float[] x = new float[N];
        for (int i = 0; i < N; i++) {
            x[i] = i * 0.25f - 3;
            in[i] = Float.floatToRawIntBits(x[i]);
        }
        int[] caches = run("p_fast.ptx", "caches");
        int[] dynamic = run("p_fast.ptx", "dynamic");
        int[] constants = run("p_fast.ptx", "constants");
        for (int i = 0; i < N; i++) {
            int v = i % (N / 4) * 4;
            int even = i & ~1;
            float s = x[v] + x[v + 1] + x[v + 2] + x[v + 3];
            s += x[i] * 7 + x[even] * x[even + 1] + x[even];
            // Sums of quarters: exact in any order.
            assertEquals(s, Float.intBitsToFloat(caches[i]));
            assertEquals(x[N - 1 - i] * 2 - x[(i + 1) % N], Float.intBitsToFloat(dynamic[i]));
            float expected = ((i & 7) + 1) * x[(i + 1) % N] + i * 0.5f;
            assertEquals(expected, Float.intBitsToFloat(constants[i]));
        }
    }

    @Test
    void approximateFunctionsAndRoundingsAreNearTheExactOnes() throws IOException {
        double[] x = new double[N];
        for (int i = 0; i < N; i++) {
            x[i] = (float) ((i + 0.5) * 0.11 - 3.5);
            in[i] = Float.floatToRawIntBits((float) x[i]);
        }
        int[] approximate = run("p_fast.ptx", "approximate");
        int[] roundings = run("p_fast.ptx", "roundings");
        for (int i = 0; i < N; i++) {
            double v = x[i];
            double a = Math.abs(v) + 0.125;
            double sum = Math.exp(v) + Math.log(a) + Math.sin(v) + Math.cos(v) + v / a;
            sum += 2 / Math.sqrt(a) + 2 * Math.sqrt(a) + Math.tanh(v) + Math.pow(10, v * 0.1);
            sum += Math.log(a) / Math.log(2) + 2 / a + Math.tan(v * 0.1);
            // Some twenty roundings of terms of at most 33.
            assertEquals(sum, Float.intBitsToFloat(approximate[i]), 20 * 33 * 0x1p-24);
            double y = x[(i + 1) % N];
            double exact = v * y + (v * y + v) + (v * y + y) + v / y;
            exact += Math.sqrt(Math.abs(v)) + 1 / y + (v - y);
            assertEquals(exact, Float.intBitsToFloat(roundings[i]), 10 * 64 * 0x1p-23);
        }
    }
}
