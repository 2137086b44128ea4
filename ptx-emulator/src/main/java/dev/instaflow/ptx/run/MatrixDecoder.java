package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.StateSpace;
import java.util.List;

/**
 * ldmatrix and mma.sync with f32 accumulators. Fragment layouts are those of the PTX ISA, "Matrix
 * fragments for mma.m16n8k16" and its neighbours. Products are exact and summed in F32 in the order of
 * k, rounded each time, where hardware keeps a few more bits within groups of 4 to 16.
 */
final class MatrixDecoder {
    private static final int M = 16;
    private static final int N = 8;
    private static final int ROW_BYTES = 16;

    private MatrixDecoder() {}

    static Step.Action loadMatrix(Decoding d) {
        d.require("sync");
        d.require("aligned");
        d.require("m8n8");
        int count = d.require("x1", "x2", "x4").charAt(1) - '0';
        boolean transposed = d.take("trans");
        d.takeType();
        if (d.takeSpace() == StateSpace.GLOBAL) {
            throw d.error("reads shared memory only");
        }
        List<Operand> parts = d.elements(0);
        if (parts.size() != count) {
            throw d.error("has " + parts.size() + " targets, expected " + count);
        }
        int[] out = parts.stream().mapToInt(d::target).toArray();
        MemoryDecoder.Addresses addresses = MemoryDecoder.Addresses.of(d, 1);
        return (step, warp, mask) -> {
            WarpDecoder.requireWholeWarp(step, warp, mask);
            addresses.fill(warp, mask);
            int[] rows = new int[8 * count];
            SharedMemory shared = warp.context.shared();
            for (int i = 0; i < rows.length; i++) {
                rows[i] = shared.locate(step, warp, i, warp.addresses[i], ROW_BYTES);
                shared.noteRead(step, warp, i, rows[i], ROW_BYTES);
            }
            for (int j = 0; j < count; j++) {
                warp.context.meter().shared(warp.addresses, 0xff << 8 * j, ROW_BYTES);
                long[] y = warp.registers[out[j]];
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    int line = 8 * j + (lane >> 2);
                    int pair = 2 * (lane & 3);
                    if (transposed) {
                        int column = 2 * (lane >> 2);
                        long low = shared.get(rows[8 * j + pair] + column, 2);
                        long high = shared.get(rows[8 * j + pair + 1] + column, 2);
                        y[lane] = high << 16 | low;
                    } else {
                        y[lane] = shared.get(rows[line] + 2 * pair, 4);
                    }
                }
            }
        };
    }

    static Step.Action multiply(Decoding d) {
        d.require("sync");
        d.require("aligned");
        String shape = d.require("m16n8k4", "m16n8k8", "m16n8k16");
        d.require("row");
        d.require("col");
        ScalarType sum = d.takeType();
        ScalarType right = d.takeType();
        ScalarType left = d.takeType();
        ScalarType result = d.takeType();
        int k = Integer.parseInt(shape.substring(6));
        boolean wide = left == ScalarType.TF32;
        boolean half = left == ScalarType.F16 || left == ScalarType.BF16;
        if (sum != ScalarType.F32
                || result != ScalarType.F32
                || left != right
                || !(wide && k <= 8 || half && k >= 8)) {
            throw d.error("is not a known combination of shape and types");
        }
        int each = wide ? 4 : 8;
        int[] a = registers(d, 1, 2 * k / each);
        int[] b = registers(d, 2, k / each);
        int[] c = registers(d, 3, 4);
        int[] out = d.elements(0).stream().mapToInt(d::target).toArray();
        if (out.length != 4) {
            throw d.error("has " + out.length + " results, expected 4");
        }
        Codec codec = Codec.of(left);
        return (step, warp, mask) -> {
            WarpDecoder.requireWholeWarp(step, warp, mask);
            float[] leftMatrix = new float[M * k];
            float[] rightMatrix = new float[k * N];
            float[] sums = new float[M * N];
            gather(warp, codec, wide, k, a, b, leftMatrix, rightMatrix);
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int i = 0; i < 4; i++) {
                    sums[resultIndex(lane, i)] =
                            Float.intBitsToFloat((int) warp.registers[c[i]][lane]);
                }
            }
            accumulate(leftMatrix, rightMatrix, sums, k);
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int i = 0; i < 4; i++) {
                    warp.registers[out[i]][lane] =
                            Float.floatToRawIntBits(LaneMath.canonical(sums[resultIndex(lane, i)]));
                }
            }
        };
    }

    private static int[] registers(Decoding d, int operand, int count) {
        int[] registers =
                d.elements(operand).stream().mapToInt(o -> d.value(o, ScalarType.F32)).toArray();
        if (registers.length != count) {
            throw d.error(
                    "operand "
                            + operand
                            + " has "
                            + registers.length
                            + " registers, expected "
                            + count);
        }
        return registers;
    }

    private static int resultIndex(int lane, int i) {
        return ((lane >> 2) + 8 * (i >> 1)) * N + 2 * (lane & 3) + (i & 1);
    }

    /** Registers of A go down 8 rows first, then right; those of B go down k. */
    private static void gather(
            Warp warp,
            Codec codec,
            boolean wide,
            int k,
            int[] a,
            int[] b,
            float[] left,
            float[] right) {
        int perRegister = wide ? 1 : 2;
        int step = wide ? 4 : 8;
        for (int lane = 0; lane < Warp.LANES; lane++) {
            int group = lane >> 2;
            int within = (lane & 3) * perRegister;
            for (int i = 0; i < a.length; i++) {
                long bits = warp.registers[a[i]][lane];
                int at = (group + 8 * (i & 1)) * k + within + step * (i >> 1);
                left[at] = (float) codec.decode(bits);
                if (!wide) {
                    left[at + 1] = (float) codec.decode(bits >>> 16);
                }
            }
            for (int i = 0; i < b.length; i++) {
                long bits = warp.registers[b[i]][lane];
                int at = (within + step * i) * N + group;
                right[at] = (float) codec.decode(bits);
                if (!wide) {
                    right[at + N] = (float) codec.decode(bits >>> 16);
                }
            }
        }
    }

    private static void accumulate(float[] left, float[] right, float[] sums, int k) {
        for (int row = 0; row < M; row++) {
            for (int i = 0; i < k; i++) {
                float value = left[row * k + i];
                for (int column = 0; column < N; column++) {
                    int at = row * N + column;
                    sums[at] = Math.fma(value, right[i * N + column], sums[at]);
                }
            }
        }
    }
}
