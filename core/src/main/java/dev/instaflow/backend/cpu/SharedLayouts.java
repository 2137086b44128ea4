package dev.instaflow.backend.cpu;

import java.util.ArrayList;
import java.util.List;

/** The layouts in use for weights, one object for equal ones, numbered. Thread-safe. */
final class SharedLayouts implements AutoCloseable {
    private final List<Layout> layouts = new ArrayList<>();

    /** The shared layout equal to this one, which stays the caller's. */
    synchronized Layout get(Layout layout) {
        for (Layout known : layouts) {
            if (known.sameAs(layout)) {
                return known;
            }
        }
        Layout copy = layout.numberedCopy(layouts.size());
        layouts.add(copy);
        return copy;
    }

    @Override
    public synchronized void close() {
        layouts.forEach(Layout::close);
        layouts.clear();
    }
}
