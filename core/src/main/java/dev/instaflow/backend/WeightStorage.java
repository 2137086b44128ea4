package dev.instaflow.backend;

/** How a backend keeps the weights of convolutions and linear layers. */
public enum WeightStorage {
    /** F32 in the layout that is computed fastest with. */
    PACKED,
    /**
     * As they were stored, F16 and BF16 in two bytes, and brought into the fastest layout each time they are
     * used: half the memory of such files, and of F32 files what a faster layout would take beyond the
     * values themselves. The results are those of {@link #PACKED}, to the bit. Such weights cannot be trained.
     */
    AS_STORED,
    /**
     * F32 in layouts that have gradients: as {@link #PACKED}, but for what is computed by another algorithm than
     * its gradient, such as Winograd's convolutions of large images.
     */
    TRAINABLE
}
