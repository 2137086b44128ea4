package dev.instaflow.checkpoint;

/** Element types of tensors, in files and in memory; all little-endian. */
public enum DType {
    /** IEEE 754 binary64. */
    F64(8, Kind.FLOAT),
    /** IEEE 754 binary32. */
    F32(4, Kind.FLOAT),
    /** IEEE 754 binary16. */
    F16(2, Kind.FLOAT),
    /** The upper half of a binary32. */
    BF16(2, Kind.FLOAT),
    /** Signed 64-bit integer. */
    I64(8, Kind.INTEGER),
    /** Signed 32-bit integer. */
    I32(4, Kind.INTEGER),
    /** Signed 16-bit integer. */
    I16(2, Kind.INTEGER),
    /** Signed 8-bit integer. */
    I8(1, Kind.INTEGER),
    /** Unsigned 64-bit integer. */
    U64(8, Kind.INTEGER),
    /** Unsigned 32-bit integer. */
    U32(4, Kind.INTEGER),
    /** Unsigned 16-bit integer. */
    U16(2, Kind.INTEGER),
    /** Unsigned 8-bit integer. */
    U8(1, Kind.INTEGER),
    /** One byte, 0 or 1. */
    BOOL(1, Kind.INTEGER),
    /** 8-bit float, 4 exponent and 3 mantissa bits, finite values and NaN only. */
    F8_E4M3(1, Kind.FLOAT),
    /** 8-bit float, 5 exponent and 2 mantissa bits. */
    F8_E5M2(1, Kind.FLOAT);

    private enum Kind {
        FLOAT,
        INTEGER
    }

    private final int sizeBytes;
    private final Kind kind;

    DType(int sizeBytes, Kind kind) {
        this.sizeBytes = sizeBytes;
        this.kind = kind;
    }

    /**
     * Size of one element.
     *
     * @return bytes, 1 to 8
     */
    public int sizeBytes() {
        return sizeBytes;
    }

    /**
     * Whether the type holds real numbers, and so may hold weights.
     *
     * @return false for integers and booleans
     */
    public boolean isFloat() {
        return kind == Kind.FLOAT;
    }
}
