package dev.instaflow.standin;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Where each thing that is alive was made. Thread-safe. */
final class Origins {
    /** In the order of the native side's kinds, which begin at 1. */
    private static final String[] KINDS = {
        "context",
        "stream",
        "event",
        "module",
        "function",
        "memory pool",
        "graph",
        "executable graph",
        "cuBLAS handle",
        "cuDNN handle",
        "tensor descriptor",
        "filter descriptor",
        "convolution descriptor",
        "activation descriptor",
        "device memory",
        "pinned host memory"
    };

    private static final int FRAMES = 6;

    private record Key(int kind, long handle) {}

    private final Map<Key, Leak> alive =
            new TreeMap<>(
                    (a, b) ->
                            a.kind != b.kind
                                    ? a.kind - b.kind
                                    : Long.compareUnsigned(a.handle, b.handle));

    synchronized void created(int kind, long handle, long bytes) {
        alive.put(new Key(kind, handle), new Leak(KINDS[kind - 1], handle, bytes, caller()));
    }

    synchronized void destroyed(int kind, long handle) {
        alive.remove(new Key(kind, handle));
    }

    synchronized List<Leak> alive() {
        return new ArrayList<>(alive.values());
    }

    private static String caller() {
        return StackWalker.getInstance()
                .walk(
                        frames ->
                                frames.filter(f -> !isPlumbing(f.getClassName()))
                                        .limit(FRAMES)
                                        .map(f -> f.toStackTraceElement().toString())
                                        .collect(Collectors.joining(", ")));
    }

    private static boolean isPlumbing(String name) {
        return name.equals(Origins.class.getName())
                || name.equals(NativeBridge.class.getName())
                || name.startsWith("jcuda.");
    }
}
