package dev.instaflow.backend.cpu;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.SmallFloats;
import dev.instaflow.ops.FloatSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Values that lie in native memory as a file had them.
 *
 * @param stored F32, F16 or BF16
 * @param address of the first value
 */
record HeldValues(DType stored, long address) implements FloatSource {
    @Override
    public void read(long first, float[] target, int offset, int length) {
        ByteBuffer bytes = ByteBuffer.allocate(length * stored.sizeBytes());
        readStored(first, bytes.order(ByteOrder.nativeOrder()));
        bytes.flip();
        for (int i = offset; i < offset + length; i++) {
            target[i] =
                    switch (stored) {
                        case F16 -> SmallFloats.f16ToFloat(bytes.getShort());
                        case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
                        default -> bytes.getFloat();
                    };
        }
    }

    @Override
    public void readStored(long first, ByteBuffer target) {
        target.put(StoredValues.view(addressOf(first), target.remaining()));
    }

    /** Where a value lies. */
    long addressOf(long index) {
        return address + index * stored.sizeBytes();
    }
}
