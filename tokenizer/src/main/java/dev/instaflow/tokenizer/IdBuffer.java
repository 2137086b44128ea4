package dev.instaflow.tokenizer;

import java.util.Arrays;

/** Ids in the order in which they were appended. */
final class IdBuffer {
    private int[] ids;
    private int size;

    IdBuffer(int capacity) {
        ids = new int[capacity];
    }

    void append(int[] more) {
        if (size + more.length > ids.length) {
            ids = Arrays.copyOf(ids, Math.max(size + more.length, 2 * ids.length));
        }
        // A loop, since arraycopy's start-up costs more than the two or three ids that a word has.
        for (int id : more) {
            ids[size++] = id;
        }
    }

    int size() {
        return size;
    }

    int[] toArray() {
        return Arrays.copyOf(ids, size);
    }
}
