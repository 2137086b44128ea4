package dev.instaflow.checkpoint.convert;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.util.stream.LongStream;

/** The text encoder's buffer of positions: 0, 1, 2, … as 64-bit integers, whatever the file has. */
final class PositionIds {
    static final String NAME = "position_ids";

    /** No text encoder has more positions; a larger buffer is something else and stays as it is. */
    private static final long MOST = 1 << 16;

    private PositionIds() {}

    static Entry of(Entry entry) {
        if (entry.dtype() == DType.I64 || entry.count() > MOST) {
            return entry;
        }
        long[] positions = LongStream.range(0, entry.count()).toArray();
        return HeapEntry.ofLongs(entry.name(), entry.shape(), positions);
    }
}
