package dev.instaflow.ptx.run;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Little-endian values in byte buffers of that order and in byte arrays. */
final class Bytes {
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final VarHandle SHORT_IN_BUFFER =
            MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT_IN_BUFFER =
            MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG_IN_BUFFER =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private Bytes() {}

    /** Zero-extended. */
    static long get(ByteBuffer bytes, int at, int size) {
        return switch (size) {
            case 1 -> bytes.get(at) & 0xffL;
            case 2 -> (short) SHORT_IN_BUFFER.get(bytes, at) & 0xffffL;
            case 4 -> (int) INT_IN_BUFFER.get(bytes, at) & 0xffffffffL;
            default -> (long) LONG_IN_BUFFER.get(bytes, at);
        };
    }

    static void put(ByteBuffer bytes, int at, int size, long value) {
        switch (size) {
            case 1 -> bytes.put(at, (byte) value);
            case 2 -> SHORT_IN_BUFFER.set(bytes, at, (short) value);
            case 4 -> INT_IN_BUFFER.set(bytes, at, (int) value);
            default -> LONG_IN_BUFFER.set(bytes, at, value);
        }
    }

    /** Zero-extended. */
    static long get(byte[] bytes, int at, int size) {
        return switch (size) {
            case 1 -> bytes[at] & 0xffL;
            case 2 -> (short) SHORT.get(bytes, at) & 0xffffL;
            case 4 -> (int) INT.get(bytes, at) & 0xffffffffL;
            default -> (long) LONG.get(bytes, at);
        };
    }

    static void put(byte[] bytes, int at, int size, long value) {
        switch (size) {
            case 1 -> bytes[at] = (byte) value;
            case 2 -> SHORT.set(bytes, at, (short) value);
            case 4 -> INT.set(bytes, at, (int) value);
            default -> LONG.set(bytes, at, value);
        }
    }

    /** Makes every byte of a range 1. */
    static void setOnes(byte[] flags, int at, int size) {
        int i = at;
        for (; i + 4 <= at + size; i += 4) {
            INT.set(flags, i, 0x01010101);
        }
        for (; i < at + size; i++) {
            flags[i] = 1;
        }
    }

    /** Whether every byte of a range is 1. */
    static boolean allOne(byte[] flags, int at, int size) {
        int i = at;
        for (; i + 4 <= at + size; i += 4) {
            if ((int) INT.get(flags, i) != 0x01010101) {
                return false;
            }
        }
        for (; i < at + size; i++) {
            if (flags[i] == 0) {
                return false;
            }
        }
        return true;
    }
}
