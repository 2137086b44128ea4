package dev.instaflow.backend;

import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;

/**
 * A place that computes. Thread-safe: any number of threads may upload weights and open root scopes, and
 * share the weights; a scope and its tensors stay on their thread.
 */
public interface Backend extends AutoCloseable {
    /**
     * What it is, for people: {@code cpu (oneDNN 3.13, 2 threads)}.
     *
     * @return one line
     */
    String description();

    /**
     * Opens a root scope.
     *
     * @param name for messages, such as {@code step 7}
     * @return to be closed by the caller on the same thread
     */
    Scope openScope(String name);

    /** One of several computations that do not need each other's results. */
    @FunctionalInterface
    interface Part {
        /**
         * Computes.
         *
         * @param index which part, from 0
         * @param scope a root scope of its own, on this thread; what escapes is the caller's of {@link
         *     #runParts}
         */
        void run(int index, Scope scope);
    }

    /**
     * How many parts {@link #runParts} runs at once.
     *
     * @return at least 1
     */
    default int lanes() {
        return 1;
    }

    /**
     * Runs parts that are each too small for all of the device, several at once where it has {@link
     * #lanes}. The results are the bits that the same operations leave in a scope of {@link #openScope}.
     *
     * @param name of the scopes, for messages
     * @param count how many parts
     * @param part run for each index once, on this thread or another
     */
    default void runParts(String name, int count, Part part) {
        for (int i = 0; i < count; i++) {
            try (Scope scope = openScope(name)) {
                part.run(i, scope);
            }
        }
    }

    /**
     * Brings a weight into this backend's memory, packed for its use.
     *
     * @param name for messages: the key of the file
     * @param form what it will be used for
     * @param shape as in the file
     * @param values read once, piecewise, from the calling thread
     * @return F32 or what the backend computes in, outside all scopes: the caller closes it
     * @throws IOException if {@code values} cannot be read
     */
    Tensor upload(String name, WeightForm form, Shape shape, FloatSource values) throws IOException;

    /**
     * This device with arithmetic that nothing overflows, for networks whose activations exceed what a fast type can hold: an
     * autoencoder's do. Tensors of the one may be used with the other.
     *
     * @return this, or what shares device and memory with it and ends with it
     */
    default Backend wideRange() {
        return this;
    }

    /**
     * Memory that this backend holds now, in use or pooled.
     *
     * @return bytes
     */
    long heldBytes();

    /**
     * Of {@link #heldBytes} what another request cannot have: pooled memory that nobody uses is left out where
     * the backend knows it.
     *
     * @return bytes
     */
    default long usedBytes() {
        return heldBytes();
    }

    /**
     * Memory that this backend could hold at most.
     *
     * @return bytes: of a device with memory of its own what was free when it was opened, else all memory of the
     *     machine or container
     */
    default long memoryBytes() {
        java.lang.management.OperatingSystemMXBean os =
                java.lang.management.ManagementFactory.getOperatingSystemMXBean();
        if (os instanceof com.sun.management.OperatingSystemMXBean machine) {
            return machine.getTotalMemorySize();
        }
        return Runtime.getRuntime().maxMemory();
    }

    /**
     * Gives pooled memory that nobody uses back to the system, as far as it can; the next use asks for it
     * again.
     */
    default void releaseIdle() {}

    /**
     * Frees the pool and all native objects; a second call does nothing.
     *
     * @throws IllegalStateException if tensors are still alive; the message lists them
     */
    @Override
    void close();
}
