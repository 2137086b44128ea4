package dev.instaflow.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tensor cores and what feeds them: mma, ldmatrix, movmatrix and cp.async of one warp, against the same in plain Java. */
class MatrixProbesTest {
    private static int[] words(int[] from) {
        Random random = new Random(9);
        Arrays.setAll(from, i -> random.nextInt());
        return from;
    }

    private static int[] launchWarp(String kernel, int[] words) throws IOException {
        Bench bench = Bench.ofFile("p_mma.ptx");
        long out = bench.upload(new int[words.length]);
        EmulatedKernel k = bench.kernel(kernel);
        KernelArguments arguments = k.arguments().int64(bench.upload(words)).int64(out).int32(32);
        k.launchBothWays(Dim3.of(1), Dim3.of(32), 0, arguments).requireClean();
        return bench.ints(out, words.length);
    }

    /** Shape and types, and how many registers of A and of sums a lane has. */
    @ParameterizedTest
    @CsvSource({
        "mma_16832_s8, 16, 32, s8, s8, 4, 4",
        "mma_16816_s8, 16, 16, s8, s8, 2, 4",
        "mma_8816_s8, 8, 16, s8, s8, 1, 2",
        "mma_16832_u8, 16, 32, u8, u8, 4, 4",
        "mma_16816_u8, 16, 16, u8, u8, 2, 4",
        "mma_8816_u8, 8, 16, u8, u8, 1, 2",
        "mma_16832_mixed, 16, 32, u8, s8, 4, 4",
        "mma_16864_s4, 16, 64, s4, s4, 4, 4",
        "mma_16832_u4, 16, 32, u4, u4, 2, 4",
        "mma_8832_s4, 8, 32, s4, s4, 1, 2"
    })
    void integerMatricesAreMultiplied(
            String kernel, int m, int k, String left, String right, int aCount, int cCount)
            throws IOException {
        int[] words = words(new int[512]);
        for (int lane = 0; lane < 32; lane++) {
            for (int c = 0; c < cCount; c++) {
                words[lane * 16 + 8 + c] >>= 8;
            }
        }
        int[] out = launchWarp(kernel, words);
        int bits = left.charAt(1) - '0';
        int packed = 32 / bits;
        for (int row = 0; row < m; row++) {
            for (int column = 0; column < 8; column++) {
                int sum = 0;
                for (int i = 0; i < k; i++) {
                    // A[row][i] is in lane 4*(row%8) + i/packed%4, register row/8 + rows of 8 *
                    // (i/(4*packed)).
                    int aLane = 4 * (row % 8) + i / packed % 4;
                    int aRegister = row / 8 + m / 8 * (i / (4 * packed));
                    int bLane = 4 * column + i / packed % 4;
                    int a = element(words[aLane * 16 + aRegister], i % packed, bits, left);
                    int b =
                            element(
                                    words[bLane * 16 + 4 + i / (4 * packed)],
                                    i % packed,
                                    bits,
                                    right);
                    sum += a * b;
                }
                int lane = 4 * (row % 8) + column / 2;
                int register = column % 2 + 2 * (row / 8);
                int c = words[lane * 16 + 8 + register];
                assertEquals(c + sum, out[lane * 16 + register], row + ", " + column);
            }
        }
    }

    private static int element(int word, int index, int bits, String type) {
        int up = word << 32 - bits * (index + 1);
        return type.startsWith("s") ? up >> 32 - bits : up >>> 32 - bits;
    }

    @ParameterizedTest
    @CsvSource({"mma_16816_half, 16", "mma_1688_half, 8"})
    void sumsInHalfPrecisionAreRoundedOnce(String kernel, int k) throws IOException {
        int[] words = new int[512];
        Random random = new Random(5);
        Arrays.setAll(words, i -> half(random) | half(random) << 16);
        int[] out = launchWarp(kernel, words);
        for (int row = 0; row < 16; row++) {
            for (int column = 0; column < 8; column++) {
                int lane = 4 * (row % 8) + column / 2;
                int half = 16 * (column % 2);
                float sum = HalfFormat.F16.decode(words[lane * 16 + 8 + row / 8] >>> half);
                for (int i = 0; i < k; i++) {
                    int a = words[(4 * (row % 8) + i / 2 % 4) * 16 + row / 8 + 2 * (i / 8)];
                    int b = words[(4 * column + i / 2 % 4) * 16 + 4 + i / 8];
                    int at = 16 * (i % 2);
                    sum += HalfFormat.F16.decode(a >>> at) * HalfFormat.F16.decode(b >>> at);
                }
                // Small integers: sums are exact in F32, and here in F16 too.
                float actual = HalfFormat.F16.decode(out[lane * 16 + row / 8] >>> half);
                assertEquals(sum, actual, row + ", " + column);
            }
        }
    }

    private static int half(Random random) {
        return HalfFormat.F16.encode(random.nextInt(9) - 4, Rounding.NEAREST_EVEN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x1", "x2", "x4", "x1_trans", "x2_trans", "x4_trans"})
    void matricesAreLoadedAsTheIsaSays(String kind) throws IOException {
        int[] words = words(new int[512]);
        int[] out = launchWarp("ldmatrix_" + kind, words);
        boolean transposed = kind.endsWith("trans");
        for (int lane = 0; lane < 32; lane++) {
            for (int matrix = 0; matrix < kind.charAt(1) - '0'; matrix++) {
                int expected = 0;
                for (int e = 0; e < 2; e++) {
                    int row = transposed ? lane % 4 * 2 + e : lane / 4;
                    int column = transposed ? lane / 4 : lane % 4 * 2 + e;
                    int word = words[(8 * matrix + row) * 4 + column / 2];
                    expected |= (word >>> 16 * (column % 2) & 0xffff) << 16 * e;
                }
                assertEquals(expected, out[lane * 16 + matrix], "lane " + lane);
            }
        }
    }

    @Test
    void movmatrixTransposes() throws IOException {
        int[] words = words(new int[32]);
        int[] out = launchWarp("movmatrix", words);
        for (int row = 0; row < 8; row++) {
            for (int column = 0; column < 8; column++) {
                int from = words[4 * row + column / 2] >>> 16 * (column % 2) & 0xffff;
                int to = out[4 * column + row / 2] >>> 16 * (row % 2) & 0xffff;
                assertEquals(from, to);
            }
        }
    }

    @Test
    void asynchronousCopiesOfAllSizesArrive() throws IOException {
        int[] words = words(new int[512]);
        int[] out = launchWarp("copies", words);
        int[] shared = new int[32 * 12];
        for (int lane = 0; lane < 32; lane++) {
            for (int i = 0; i < 12; i++) {
                boolean zero = i == 7 || i >= 8 && i - 8 >= (lane & 3);
                shared[lane * 12 + i] = zero ? 0 : words[lane * 16 + i];
            }
        }
        for (int lane = 0; lane < 32; lane++) {
            int at = lane * 12;
            int b = shared[at + 5] + shared[at + 7];
            int c = shared[at + 8] + shared[at + 10];
            assertEquals(
                    shared[at + 3] ^ b * 3 ^ c * 5 ^ shared[(at + 20) % 384], out[lane], "" + lane);
        }
    }
}
