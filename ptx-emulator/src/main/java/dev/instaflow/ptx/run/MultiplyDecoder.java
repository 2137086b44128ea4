package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;

/**
 * mma.sync. Fragment layouts are those of the PTX ISA, "Matrix fragments for mma.m16n8k16" and its
 * neighbours, which are all of one pattern: a register of A or B holds consecutive elements along k.
 * <p>Products are exact and summed in F32 in the order of k, rounded each time, where hardware keeps a
 * few more bits within groups of 4 to 16; a sum in F16 is rounded to it once, at the end. Integers wrap
 * or saturate at the end.
 */
final class MultiplyDecoder {
    private static final int N = 8;

    /**
     * Size and layout.
     *
     * @param m rows, 8 or 16
     * @param k length of the sums
     * @param packed elements a register of A or B
     */
    private record Layout(int m, int k, int packed) {
        /** Distance along k of a lane's registers. */
        int stride() {
            return 4 * packed;
        }

        int leftRegisters() {
            return m / 8 * k / stride();
        }

        int rightRegisters() {
            return k / stride();
        }

        /** Where element 0 of a register of A lies; registers go down 8 rows first, then right. */
        int left(int lane, int register) {
            int down = m == 16 ? register & 1 : 0;
            int right = m == 16 ? register >> 1 : register;
            return ((lane >> 2) + 8 * down) * k + (lane & 3) * packed + stride() * right;
        }

        /** Where element 0 of a register of B lies, k running slowest; the next is a row below. */
        int right(int lane, int register) {
            return ((lane & 3) * packed + stride() * register) * N + (lane >> 2);
        }

        static int result(int lane, int element) {
            return ((lane >> 2) + 8 * (element >> 1)) * N + 2 * (lane & 3) + (element & 1);
        }
    }

    private record Registers(int[] out, int[] left, int[] right, int[] sum) {}

    private MultiplyDecoder() {}

    static Step.Action decode(Decoding d) {
        d.require("sync");
        d.require("aligned");
        String shape =
                d.require(
                        "m16n8k4",
                        "m16n8k8",
                        "m16n8k16",
                        "m16n8k32",
                        "m16n8k64",
                        "m8n8k16",
                        "m8n8k32");
        d.require("row");
        d.require("col");
        boolean saturate = d.take("satfinite");
        String sum = d.takeLast();
        String right = d.takeLast();
        String left = d.takeLast();
        String result = d.takeLast();
        int m = shape.startsWith("m16") ? 16 : 8;
        int k = Integer.parseInt(shape.substring(shape.indexOf('k') + 1));
        int bits = bits(left);
        boolean whole = bits <= 8;
        boolean real = m == 16 && left.equals(right) && !saturate && k * bits >= 128;
        boolean known =
                result.equals(sum)
                        && bits == bits(right)
                        && k * bits <= 256
                        && k * bits >= 128
                        && (whole
                                ? sum.equals("s32") && (m == 16 || k * bits == 128)
                                : real
                                        && (sum.equals("f32")
                                                || sum.equals("f16") && left.equals("f16")));
        if (!known) {
            throw d.error("is not a known combination of shape and types");
        }
        Layout layout = new Layout(m, k, 32 / bits);
        boolean halves = sum.equals("f16");
        int sums = halves ? m / 8 : m / 4;
        Registers registers =
                new Registers(
                        targets(d, sums),
                        values(d, 1, layout.leftRegisters()),
                        values(d, 2, layout.rightRegisters()),
                        values(d, 3, sums));
        if (whole) {
            return integers(layout, registers, left, right, saturate);
        }
        return floats(layout, registers, ScalarType.named(left).orElseThrow(), halves);
    }

    private static int bits(String type) {
        return switch (type) {
            case "s4", "u4" -> 4;
            case "s8", "u8" -> 8;
            case "f16", "bf16" -> 16;
            default -> 32;
        };
    }

    private static int[] targets(Decoding d, int count) {
        return checked(d, 0, count, d.elements(0).stream().mapToInt(d::target).toArray());
    }

    private static int[] values(Decoding d, int operand, int count) {
        return checked(
                d,
                operand,
                count,
                d.elements(operand).stream().mapToInt(o -> d.value(o, ScalarType.F32)).toArray());
    }

    private static int[] checked(Decoding d, int operand, int count, int[] registers) {
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

    private static Step.Action floats(Layout layout, Registers r, ScalarType type, boolean halves) {
        return (step, warp, mask) -> {
            WarpDecoder.requireWholeWarp(step, warp, mask);
            float[] a = new float[layout.m() * layout.k()];
            float[] b = new float[layout.k() * N];
            float[] sums = new float[layout.m() * N];
            for (int i = 0; i < r.left().length; i++) {
                long[] bits = warp.registers[r.left()[i]];
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    decode(type, (int) bits[lane], a, layout.left(lane, i), 1);
                }
            }
            for (int i = 0; i < r.right().length; i++) {
                long[] bits = warp.registers[r.right()[i]];
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    decode(type, (int) bits[lane], b, layout.right(lane, i), N);
                }
            }
            readSums(warp, r, sums, halves);
            accumulate(a, b, sums, layout);
            writeSums(warp, r, sums, halves);
        };
    }

    private static void decode(ScalarType type, int bits, float[] into, int at, int next) {
        switch (type) {
            case F16 -> {
                into[at] = HalfFormat.F16.decode(bits);
                into[at + next] = HalfFormat.F16.decode(bits >>> 16);
            }
            case BF16 -> {
                into[at] = Float.intBitsToFloat(bits << 16);
                into[at + next] = Float.intBitsToFloat(bits & 0xffff0000);
            }
            // Hardware does not look at the low 13 bits.
            default -> into[at] = Float.intBitsToFloat(bits & 0xffffe000);
        }
    }

    private static void accumulate(float[] a, float[] b, float[] sums, Layout layout) {
        int k = layout.k();
        for (int row = 0; row < layout.m(); row++) {
            for (int i = 0; i < k; i++) {
                float value = a[row * k + i];
                for (int column = 0; column < N; column++) {
                    int at = row * N + column;
                    sums[at] = Math.fma(value, b[i * N + column], sums[at]);
                }
            }
        }
    }

    private static void readSums(Warp warp, Registers r, float[] sums, boolean halves) {
        for (int i = 0; i < r.sum().length; i++) {
            long[] bits = warp.registers[r.sum()[i]];
            for (int lane = 0; lane < Warp.LANES; lane++) {
                if (halves) {
                    int at = Layout.result(lane, 2 * i);
                    sums[at] = HalfFormat.F16.decode(bits[lane]);
                    sums[at + 1] = HalfFormat.F16.decode(bits[lane] >>> 16);
                } else {
                    sums[Layout.result(lane, i)] = Float.intBitsToFloat((int) bits[lane]);
                }
            }
        }
    }

    private static void writeSums(Warp warp, Registers r, float[] sums, boolean halves) {
        for (int i = 0; i < r.out().length; i++) {
            long[] bits = warp.registers[r.out()[i]];
            for (int lane = 0; lane < Warp.LANES; lane++) {
                if (halves) {
                    int at = Layout.result(lane, 2 * i);
                    bits[lane] =
                            HalfFormat.F16.encode(sums[at], Rounding.NEAREST_EVEN)
                                    | (long)
                                                    HalfFormat.F16.encode(
                                                            sums[at + 1], Rounding.NEAREST_EVEN)
                                            << 16;
                } else {
                    float sum = LaneMath.canonical(sums[Layout.result(lane, i)]);
                    bits[lane] = Float.floatToRawIntBits(sum);
                }
            }
        }
    }

    private static Step.Action integers(
            Layout layout, Registers r, String left, String right, boolean saturate) {
        boolean signedA = left.startsWith("s");
        boolean signedB = right.startsWith("s");
        return (step, warp, mask) -> {
            WarpDecoder.requireWholeWarp(step, warp, mask);
            int[] a = new int[layout.m() * layout.k()];
            int[] b = new int[layout.k() * N];
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int i = 0; i < r.left().length; i++) {
                    int bits = (int) warp.registers[r.left()[i]][lane];
                    unpack(bits, layout.packed(), signedA, a, layout.left(lane, i), 1);
                }
                for (int i = 0; i < r.right().length; i++) {
                    int bits = (int) warp.registers[r.right()[i]][lane];
                    unpack(bits, layout.packed(), signedB, b, layout.right(lane, i), N);
                }
            }
            long[] sums = new long[layout.m() * N];
            for (int at = 0; at < sums.length; at++) {
                for (int i = 0; i < layout.k(); i++) {
                    sums[at] += a[at / N * layout.k() + i] * b[i * N + at % N];
                }
            }
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int i = 0; i < r.out().length; i++) {
                    long sum =
                            sums[Layout.result(lane, i)] + (int) warp.registers[r.sum()[i]][lane];
                    long bounded = Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, sum));
                    warp.registers[r.out()[i]][lane] = (saturate ? bounded : sum) & 0xffffffffL;
                }
            }
        };
    }

    private static void unpack(int bits, int count, boolean signed, int[] into, int at, int next) {
        int width = 32 / count;
        for (int i = 0; i < count; i++) {
            int up = bits << 32 - width * (i + 1);
            into[at + next * i] = signed ? up >> 32 - width : up >>> 32 - width;
        }
    }
}
