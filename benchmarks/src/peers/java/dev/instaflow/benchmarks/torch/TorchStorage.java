package dev.instaflow.benchmarks.torch;

import dev.instaflow.backend.LiveTensors;
import dev.instaflow.tensor.Storage;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.pytorch.Tensor;

/** A native tensor, freed with its last user and not by the garbage collector. */
final class TorchStorage implements Storage {
    private final Tensor values;
    private final long sizeBytes;
    private final String label;
    private final LiveTensors live;
    private final AtomicLong heldBytes;
    private int users = 1;

    TorchStorage(String label, Tensor values, LiveTensors live, AtomicLong heldBytes) {
        this.label = label;
        this.values = values;
        this.sizeBytes = values.nbytes();
        this.live = live;
        this.heldBytes = heldBytes;
        live.add(this);
        heldBytes.addAndGet(sizeBytes);
    }

    Tensor values() {
        return values;
    }

    @Override
    public synchronized void retain() {
        users++;
    }

    @Override
    public synchronized void release() {
        if (--users == 0) {
            live.remove(this);
            heldBytes.addAndGet(-sizeBytes);
            values.close();
        }
    }

    @Override
    public String toString() {
        return label;
    }
}
