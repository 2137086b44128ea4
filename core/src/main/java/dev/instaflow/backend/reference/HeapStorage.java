package dev.instaflow.backend.reference;

import dev.instaflow.backend.LiveTensors;
import dev.instaflow.tensor.Storage;

/** Values on the heap, in double whatever the precision they have been rounded to. */
final class HeapStorage implements Storage {
    final double[] values;
    private final String label;
    private final LiveTensors live;
    private int users = 1;

    HeapStorage(String label, double[] values, LiveTensors live) {
        this.label = label;
        this.values = values;
        this.live = live;
        live.add(this);
    }

    @Override
    public synchronized void retain() {
        users++;
    }

    @Override
    public synchronized void release() {
        if (--users == 0) {
            live.remove(this);
        }
    }

    @Override
    public String toString() {
        return label;
    }
}
