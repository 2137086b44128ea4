package dev.instaflow.ptx;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The fundamental types of PTX, written there with a leading dot in lower case. */
public enum ScalarType {
    PRED(1, Kind.PREDICATE),
    B8(1, Kind.BITS),
    B16(2, Kind.BITS),
    B32(4, Kind.BITS),
    B64(8, Kind.BITS),
    U8(1, Kind.UNSIGNED),
    U16(2, Kind.UNSIGNED),
    U32(4, Kind.UNSIGNED),
    U64(8, Kind.UNSIGNED),
    S8(1, Kind.SIGNED),
    S16(2, Kind.SIGNED),
    S32(4, Kind.SIGNED),
    S64(8, Kind.SIGNED),
    F16(2, Kind.FLOAT),
    F16X2(4, Kind.FLOAT),
    BF16(2, Kind.FLOAT),
    BF16X2(4, Kind.FLOAT),
    TF32(4, Kind.FLOAT),
    F32(4, Kind.FLOAT),
    F64(8, Kind.FLOAT);

    /** What the bits of a type mean. */
    public enum Kind {
        PREDICATE,
        BITS,
        UNSIGNED,
        SIGNED,
        FLOAT
    }

    private static final Map<String, ScalarType> BY_NAME = new HashMap<>();

    static {
        for (ScalarType type : values()) {
            BY_NAME.put(type.name().toLowerCase(Locale.ROOT), type);
        }
    }

    private final int sizeBytes;
    private final Kind kind;

    ScalarType(int sizeBytes, Kind kind) {
        this.sizeBytes = sizeBytes;
        this.kind = kind;
    }

    /**
     * @param name without the dot, such as {@code f32}
     */
    public static Optional<ScalarType> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /** Bytes of a value in memory; a predicate has none there and counts as 1. */
    public int sizeBytes() {
        return sizeBytes;
    }

    public Kind kind() {
        return kind;
    }

    public boolean isFloat() {
        return kind == Kind.FLOAT;
    }

    public boolean isSigned() {
        return kind == Kind.SIGNED;
    }

    /** The type as PTX writes it, with its dot. */
    @Override
    public String toString() {
        return "." + name().toLowerCase(Locale.ROOT);
    }
}
