package dev.instaflow.backend;

/** How a backend keeps the weights of convolutions and linear layers. The results are the same to the bit. */
public enum WeightStorage {
    /** F32 in the layout that is computed fastest with. */
    PACKED,
    /**
     * As they were stored, F16 and BF16 in two bytes, and brought into the fastest layout each time they are
     * used: half the memory of such files, and of F32 files what a faster layout would take beyond the
     * values themselves. Such weights cannot be trained.
     */
    AS_STORED
}
