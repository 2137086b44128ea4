package dev.instaflow.tensor;

/**
 * The memory behind a tensor, known in full only to the backend that made it. Counted: a tensor and
 * each view of it retain the storage, and the last release gives the memory back to its backend.
 */
public interface Storage {
    /** Adds one user. */
    void retain();

    /** Takes one user away; the last one frees the memory. */
    void release();
}
