package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.SmallFloats;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;

/**
 * Conversion of stored elements to Java arrays. Contiguous F32, F16 and BF16, the types of weights,
 * go in bulk; everything else one element at a time. The byte order is the buffer's.
 */
final class Elements {
    /** Halves pass through a small array that stays in the first-level cache. */
    private static final int CHUNK = 4096;

    private Elements() {}

    static void toFloats(DType dtype, ByteBuffer in, Run run, float[] target, int offset) {
        boolean contiguous = run.strideBytes() == dtype.sizeBytes();
        if (contiguous && dtype == DType.F32) {
            in.position(run.start());
            in.asFloatBuffer().get(target, offset, run.count());
        } else if (contiguous && (dtype == DType.F16 || dtype == DType.BF16)) {
            widen(dtype, in, run, target, offset);
        } else {
            for (int i = 0; i < run.count(); i++) {
                target[offset + i] = floatAt(dtype, in, run.at(i));
            }
        }
    }

    static void toLongs(DType dtype, ByteBuffer in, Run run, long[] target, int offset) {
        for (int i = 0; i < run.count(); i++) {
            target[offset + i] = longAt(dtype, in, run.at(i));
        }
    }

    /** Little-endian bytes, whatever the order of the buffer. */
    static void toBytes(DType dtype, ByteBuffer in, Run run, byte[] target, int offset) {
        int size = dtype.sizeBytes();
        boolean swap = in.order() == ByteOrder.BIG_ENDIAN;
        if (run.strideBytes() == size && !(swap && size > 1)) {
            in.position(run.start());
            in.get(target, offset, run.count() * size);
            return;
        }
        int last = size - 1;
        for (int i = 0; i < run.count(); i++) {
            int from = run.at(i);
            for (int b = 0; b < size; b++) {
                target[offset + i * size + b] = in.get(from + (swap ? last - b : b));
            }
        }
    }

    private static void widen(DType dtype, ByteBuffer in, Run run, float[] target, int offset) {
        short[] chunk = new short[Math.min(CHUNK, run.count())];
        in.position(run.start());
        ShortBuffer halves = in.asShortBuffer();
        for (int done = 0; done < run.count(); done += chunk.length) {
            int n = Math.min(chunk.length, run.count() - done);
            halves.get(chunk, 0, n);
            if (dtype == DType.F16) {
                SmallFloats.widenF16(chunk, target, offset + done, n);
            } else {
                SmallFloats.widenBf16(chunk, target, offset + done, n);
            }
        }
    }

    private static float floatAt(DType dtype, ByteBuffer in, int at) {
        return switch (dtype) {
            case F64 -> (float) in.getDouble(at);
            case F32 -> in.getFloat(at);
            case F16 -> SmallFloats.f16ToFloat(in.getShort(at));
            case BF16 -> Float.intBitsToFloat(in.getShort(at) << 16);
            case F8_E4M3 -> SmallFloats.e4m3ToFloat(in.get(at));
            case F8_E5M2 -> SmallFloats.e5m2ToFloat(in.get(at));
            case U64 -> unsignedToFloat(in.getLong(at));
            default -> (float) longAt(dtype, in, at);
        };
    }

    private static long longAt(DType dtype, ByteBuffer in, int at) {
        return switch (dtype) {
            case F64 -> (long) in.getDouble(at);
            case I64, U64 -> in.getLong(at);
            case I32 -> in.getInt(at);
            case U32 -> Integer.toUnsignedLong(in.getInt(at));
            case I16 -> in.getShort(at);
            case U16 -> Short.toUnsignedLong(in.getShort(at));
            case I8 -> in.get(at);
            case U8 -> Byte.toUnsignedLong(in.get(at));
            case BOOL -> in.get(at) == 0 ? 0 : 1;
            default -> (long) floatAt(dtype, in, at);
        };
    }

    /** Halving with a sticky low bit keeps the rounding of the doubled result right. */
    private static float unsignedToFloat(long value) {
        return value >= 0 ? (float) value : (float) (value >>> 1 | value & 1) * 2;
    }

    /**
     * Some elements of one piece.
     *
     * @param start index of the first, bytes
     * @param strideBytes distance of two
     * @param count number of elements
     */
    record Run(int start, long strideBytes, int count) {
        int at(int i) {
            return (int) (start + i * strideBytes);
        }
    }
}
