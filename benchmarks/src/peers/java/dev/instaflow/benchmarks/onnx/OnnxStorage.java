package dev.instaflow.benchmarks.onnx;

import dev.instaflow.backend.LiveTensors;
import dev.instaflow.tensor.Storage;

/** What a tensor stands for in the graph. Nothing native is behind it; it is counted to find leaks. */
final class OnnxStorage implements Storage {
    private final Value value;
    private final String label;
    private final LiveTensors live;
    private int users = 1;

    OnnxStorage(String label, Value value, LiveTensors live) {
        this.label = label;
        this.value = value;
        this.live = live;
        live.add(this);
    }

    Value value() {
        return value;
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
