package dev.instaflow.kernels;

import java.util.Locale;

/** How activations lie in device memory. Kernels compute in F32 whatever this is. */
public enum Storage {
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary16. */
    F16(2),
    /** bfloat16: the upper half of an F32. */
    BF16(2);

    private final int sizeBytes;

    Storage(int sizeBytes) {
        this.sizeBytes = sizeBytes;
    }

    /**
     * Bytes an element.
     *
     * @return 2 or 4
     */
    public int sizeBytes() {
        return sizeBytes;
    }

    /** What entries of this storage end in. */
    String suffix() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What entries end in that only move elements. */
    String sizeSuffix() {
        return "b" + 8 * sizeBytes;
    }

    /** Elements of 16 bytes, which a thread of a streaming kernel takes. */
    int packSize() {
        return 16 / sizeBytes;
    }
}
