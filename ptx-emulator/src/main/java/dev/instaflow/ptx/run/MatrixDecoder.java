package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.StateSpace;
import java.util.List;

/** ldmatrix and movmatrix: 8 by 8 matrices of 16 bits, spread over the warp as mma wants them. */
final class MatrixDecoder {
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

    /** movmatrix: the 8 by 8 matrix whose row is four lanes' pairs, transposed. */
    static Step.Action transpose(Decoding d) {
        d.require("sync");
        d.require("aligned");
        d.require("m8n8");
        d.require("trans");
        d.require("b16");
        int out = d.target(0);
        int in = d.value(1, ScalarType.B32);
        return (step, warp, mask) -> {
            WarpDecoder.requireWholeWarp(step, warp, mask);
            long[] old = warp.registers[in].clone();
            for (int lane = 0; lane < Warp.LANES; lane++) {
                int column = lane >> 2;
                int row = 2 * (lane & 3);
                long low = old[4 * row + column / 2] >>> 16 * (column & 1) & 0xffff;
                long high = old[4 * (row + 1) + column / 2] >>> 16 * (column & 1) & 0xffff;
                warp.registers[out][lane] = high << 16 | low;
            }
        };
    }
}
