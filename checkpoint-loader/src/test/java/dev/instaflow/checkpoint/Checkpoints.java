package dev.instaflow.checkpoint;

import java.io.IOException;

/** Walks over entries, for tests. */
public final class Checkpoints {
    private static final int CHUNK = 8192;

    private Checkpoints() {}

    /** Reads every element in all three ways, in bounded chunks. */
    public static void readAll(Entry entry) throws IOException {
        for (long first = 0; first < entry.count(); first += CHUNK) {
            read(entry, first);
        }
    }

    /** Reads the first and the last elements: an expanded tensor may have 2^28. */
    public static void readEnds(Entry entry) throws IOException {
        read(entry, 0);
        read(entry, Math.max(0, entry.count() - CHUNK));
    }

    private static void read(Entry entry, long first) throws IOException {
        int length = (int) Math.min(CHUNK, entry.count() - first);
        entry.readFloats(first, new float[length], 0, length);
        entry.readLongs(first, new long[length], 0, length);
        entry.readBytes(first, new byte[length * 8], 0, length);
    }
}
