package dev.instaflow.nn;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.ops.FloatSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/**
 * The values of a file's tensor, as stored where a backend has a use for that.
 *
 * @param entry floating-point numbers
 */
record EntrySource(Entry entry) implements FloatSource {
    private static final Set<DType> COMMON = Set.of(DType.F32, DType.F16, DType.BF16);

    @Override
    public void read(long first, float[] target, int offset, int length) throws IOException {
        entry.readFloats(first, target, offset, length);
    }

    @Override
    public DType stored() {
        return isCommon() ? entry.dtype() : DType.F32;
    }

    /** Files are little-endian, as nearly all machines are. */
    private boolean isCommon() {
        return COMMON.contains(entry.dtype()) && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    }

    @Override
    public void readStored(long first, ByteBuffer target) throws IOException {
        if (isCommon()) {
            entry.readBytes(first, target);
        } else {
            FloatSource.super.readStored(first, target);
        }
    }
}
