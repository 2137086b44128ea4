package dev.instaflow.backend;

import dev.instaflow.tensor.Storage;

/** Memory that goes back with its last user. Thread-safe. */
public abstract class CountedStorage implements Storage {
    private final LiveTensors live;
    private int users = 1;

    /**
     * Memory with one user.
     *
     * @param live told when the last user has gone; that there is one is the subclass's to tell
     */
    protected CountedStorage(LiveTensors live) {
        this.live = live;
    }

    @Override
    public final synchronized void retain() {
        users++;
    }

    @Override
    public final void release() {
        synchronized (this) {
            if (--users != 0) {
                return;
            }
        }
        live.remove(this);
        free();
    }

    /** Gives the memory back; called once. */
    protected abstract void free();
}
