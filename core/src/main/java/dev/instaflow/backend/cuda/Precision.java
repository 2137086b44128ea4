package dev.instaflow.backend.cuda;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.kernels.Storage;

/** How activations and the weights of layers lie in device memory. Sums are F32 whatever this is. */
public enum Precision {
    /** IEEE 754 binary32, and no tensor cores. */
    F32(Storage.F32, DType.F32),
    /** IEEE 754 binary16: the fastest and, where nothing exceeds 65,504, close to F32. */
    F16(Storage.F16, DType.F16),
    /** bfloat16: as fast, of the range of F32, with 8 significant bits. */
    BF16(Storage.BF16, DType.BF16);

    private final Storage storage;
    private final DType dtype;

    Precision(Storage storage, DType dtype) {
        this.storage = storage;
        this.dtype = dtype;
    }

    Storage storage() {
        return storage;
    }

    /** How values of that type are stored; F32 for all others. */
    static Storage storageOf(DType type) {
        for (Precision precision : values()) {
            if (precision.dtype == type) {
                return precision.storage;
            }
        }
        return Storage.F32;
    }

    static DType dtypeOf(Storage storage) {
        return valueOf(storage.name()).dtype;
    }
}
