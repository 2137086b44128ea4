package dev.instaflow.checkpoint;

import java.io.IOException;

/** Walks over entries, for tests. */
public final class Checkpoints {
    private static final int CHUNK = 8192;

    private Checkpoints() {}

    /** Reads every element in all three ways, in bounded chunks. */
    public static void readAll(Entry entry) throws IOException {
        float[] floats = new float[CHUNK];
        long[] longs = new long[CHUNK];
        byte[] bytes = new byte[CHUNK * 8];
        for (long first = 0; first < entry.count(); first += CHUNK) {
            int length = (int) Math.min(CHUNK, entry.count() - first);
            entry.readFloats(first, floats, 0, length);
            entry.readLongs(first, longs, 0, length);
            entry.readBytes(first, bytes, 0, length);
        }
    }
}
