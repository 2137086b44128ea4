package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.SmallFloats;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * A float tensor as if it were stored as F32, F16 or BF16: rounded to nearest, ties to even. A finite
 * value beyond the range is an error when it is read, never an infinity. F64 rounds to F32 first.
 */
public final class ConvertedEntry extends ComputedEntry {
    /** Elements converted at a time. */
    private static final int CHUNK = 1 << 12;

    private final Entry source;
    private final DType dtype;

    private ConvertedEntry(Entry source, DType dtype) {
        super(source.name(), source.shape());
        this.source = source;
        this.dtype = dtype;
    }

    /**
     * A view in another type.
     *
     * @param source a float tensor
     * @param dtype F32, F16 or BF16
     * @return {@code source} itself if it has that type already
     * @throws IllegalArgumentException for other types
     */
    public static Entry of(Entry source, DType dtype) {
        if (dtype != DType.F32 && dtype != DType.F16 && dtype != DType.BF16) {
            throw new IllegalArgumentException("cannot convert to " + dtype + ": F32, F16 or BF16");
        }
        if (!source.dtype().isFloat()) {
            throw new IllegalArgumentException(
                    "tensor "
                            + Escaped.quote(source.name())
                            + " is "
                            + source.dtype()
                            + ", only floats are converted");
        }
        return source.dtype() == dtype ? source : new ConvertedEntry(source, dtype);
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public void readFloats(long first, float[] target, int offset, int length) throws IOException {
        source.readFloats(first, target, offset, length);
        for (int i = offset; i < offset + length; i++) {
            target[i] = rounded(target[i], first + i - offset);
        }
    }

    @Override
    public void readBytes(long first, byte[] target, int offset, int length) throws IOException {
        if (dtype == DType.F32) {
            super.readBytes(first, target, offset, length);
            return;
        }
        int size = dtype.sizeBytes();
        Objects.checkFromIndexSize((long) offset, (long) length * size, (long) target.length);
        float[] chunk = new float[Math.min(CHUNK, length)];
        short[] halves = new short[chunk.length];
        for (int done = 0; done < length; done += chunk.length) {
            int n = Math.min(chunk.length, length - done);
            source.readFloats(first + done, chunk, 0, n);
            ByteBuffer out =
                    ByteBuffer.wrap(target, offset + done * size, n * size)
                            .slice()
                            .order(ByteOrder.LITTLE_ENDIAN);
            narrow(chunk, halves, n, first + done);
            out.asShortBuffer().put(halves, 0, n);
        }
    }

    private void narrow(float[] values, short[] halves, int count, long first)
            throws CheckpointFormatException {
        if (dtype == DType.BF16) {
            for (int i = 0; i < count; i++) {
                halves[i] = SmallFloats.floatToBf16(values[i]);
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            halves[i] = f16(values[i], first + i);
        }
    }

    private float rounded(float value, long index) throws CheckpointFormatException {
        return switch (dtype) {
            case F16 -> SmallFloats.f16ToFloat(f16(value, index));
            case BF16 -> Float.intBitsToFloat(SmallFloats.floatToBf16(value) << 16);
            default -> value;
        };
    }

    private short f16(float value, long index) throws CheckpointFormatException {
        if (SmallFloats.overflowsF16(value)) {
            throw new CheckpointFormatException(
                    "tensor "
                            + Escaped.quote(name())
                            + ": element "
                            + index
                            + " is "
                            + value
                            + ", beyond the "
                            + SmallFloats.F16_MAX
                            + " that F16 can hold; write BF16 or F32 instead");
        }
        return SmallFloats.floatToF16(value);
    }
}
