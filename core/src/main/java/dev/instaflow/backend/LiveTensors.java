package dev.instaflow.backend;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Which storages of a backend have not been released, so that closing it with live tensors can say
 * which ones. Thread-safe.
 */
public final class LiveTensors {
    private static final int LISTED = 8;
    private final Set<Object> live =
            Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));

    /**
     * A storage has been made.
     *
     * @param storage its {@code toString} is what the message shows
     */
    public void add(Object storage) {
        live.add(storage);
    }

    /**
     * A storage has been released.
     *
     * @param storage as given to {@link #add}
     */
    public void remove(Object storage) {
        live.remove(storage);
    }

    /**
     * Called when a backend closes.
     *
     * @param backend its name, for the message
     * @throws IllegalStateException if anything is alive
     */
    public void requireNone(String backend) {
        List<Object> left;
        synchronized (live) {
            left = new ArrayList<>(live);
        }
        if (left.isEmpty()) {
            return;
        }
        StringBuilder message = new StringBuilder();
        message.append("backend ").append(backend).append(" closed with ");
        message.append(left.size()).append(" live tensors: ");
        for (int i = 0; i < Math.min(LISTED, left.size()); i++) {
            message.append(i == 0 ? "" : ", ").append(left.get(i));
        }
        throw new IllegalStateException(
                message.append(left.size() > LISTED ? ", …" : "").toString());
    }
}
