package dev.instaflow.benchmarks;

/**
 * What a process does once it is warm.
 *
 * @param seconds of the fastest batch
 * @param images in a batch
 * @param heapBytes taken from the heap by the last batch, in all Java threads
 * @param handedBytes of those, arrays that were the results: they are the caller's
 * @param heldBefore bytes that the engine held before the last batches, or {@link #UNKNOWN}
 * @param heldAfter the same after them
 */
record SteadyState(
        double seconds,
        int images,
        long heapBytes,
        long handedBytes,
        long heldBefore,
        long heldAfter) {
    /** For held bytes that cannot be asked for. */
    static final long UNKNOWN = -1;

    private static final int FIGURES = 6;

    double imagesPerSecond() {
        return images / seconds;
    }

    /** Heap bytes an image beside its results. */
    long garbageBytes() {
        return (heapBytes - handedBytes) / images;
    }

    /** All figures on one line, for the parent process. */
    String toLine() {
        return "%s %d %d %d %d %d"
                .formatted(
                        Double.toString(seconds),
                        images,
                        heapBytes,
                        handedBytes,
                        heldBefore,
                        heldAfter);
    }

    static SteadyState ofLine(String line) {
        String[] f = line.trim().split(" ");
        if (f.length != FIGURES) {
            throw new IllegalArgumentException("not a line of a steady state: " + line);
        }
        return new SteadyState(
                Double.parseDouble(f[0]),
                Integer.parseInt(f[1]),
                Long.parseLong(f[2]),
                Long.parseLong(f[3]),
                Long.parseLong(f[4]),
                Long.parseLong(f[5]));
    }
}
