package dev.instaflow.backend.cpu;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Things that take a while to make, the least recently used given up first. Whoever gets one holds it until
 * {@link Held#release}, and what is held is never given up. Thread-safe.
 *
 * @param <K> what they are found by
 * @param <V> what they are
 */
final class HeldCache<K, V extends HeldCache.Held> implements AutoCloseable {
    /** Knows how many use it. */
    abstract static class Held implements AutoCloseable {
        private final AtomicInteger holders = new AtomicInteger();

        final void hold() {
            holders.incrementAndGet();
        }

        /** Gives up the hold that {@link HeldCache#get} or {@link HeldCache#add} put on it. */
        final void release() {
            holders.decrementAndGet();
        }

        final boolean held() {
            return holders.get() > 0;
        }

        @Override
        public abstract void close();
    }

    private final int capacity;
    private final Map<K, V> values = new LinkedHashMap<>(256, 0.75f, true);

    HeldCache(int capacity) {
        this.capacity = capacity;
    }

    /** The value of that key, held for the caller, or null. */
    synchronized V get(K key) {
        V value = values.get(key);
        if (value != null) {
            value.hold();
        }
        return value;
    }

    /** Stores a fresh value and returns it held; if another thread was faster, its value. */
    synchronized V add(K key, V fresh) {
        V known = values.get(key);
        if (known != null) {
            fresh.close();
            known.hold();
            return known;
        }
        fresh.hold();
        values.put(key, fresh);
        Iterator<V> eldest = values.values().iterator();
        while (values.size() > capacity && eldest.hasNext()) {
            V value = eldest.next();
            if (!value.held()) {
                eldest.remove();
                value.close();
            }
        }
        return fresh;
    }

    synchronized int size() {
        return values.size();
    }

    @Override
    public synchronized void close() {
        for (V value : values.values()) {
            value.close();
        }
        values.clear();
    }
}
