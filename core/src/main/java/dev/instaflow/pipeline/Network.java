package dev.instaflow.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A network that is loaded when it is first used, and kept or freed afterwards. Thread-safe: users at the same
 * time share it.
 *
 * @param <N> the network
 */
final class Network<N> implements AutoCloseable {
    /** What happens to the weights when nobody uses them any more. */
    enum Afterwards {
        /** They stay for the next user. */
        KEEP,
        /** They are freed. */
        FREE
    }

    /** Reads the weights. */
    @FunctionalInterface
    interface Loader<N> {
        N load() throws IOException;
    }

    private final Loader<N> loader;
    private final Consumer<N> closer;
    private final Afterwards afterwards;
    private N network;
    private int users;
    private boolean closed;

    Network(Loader<N> loader, Consumer<N> closer, Afterwards afterwards) {
        this.loader = loader;
        this.closer = closer;
        this.afterwards = afterwards;
    }

    /** Loads the weights now, if they are not there. */
    synchronized void load() throws IOException {
        if (closed) {
            throw new IllegalStateException("engine used after it was closed");
        }
        if (network == null) {
            network = loader.load();
        }
    }

    /**
     * Does some work with the network; loads it before, if need be.
     *
     * @throws UncheckedIOException if the file cannot be read any more
     */
    <R> R use(Function<N, R> work) {
        N held = acquire();
        try {
            return work.apply(held);
        } finally {
            release();
        }
    }

    private synchronized N acquire() {
        try {
            load();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        users++;
        return network;
    }

    private synchronized void release() {
        users--;
        if (users == 0 && afterwards == Afterwards.FREE) {
            free();
        }
    }

    private void free() {
        if (network != null) {
            closer.accept(network);
            network = null;
        }
    }

    /** Frees the weights; a second call does nothing. */
    @Override
    public synchronized void close() {
        closed = true;
        free();
    }
}
