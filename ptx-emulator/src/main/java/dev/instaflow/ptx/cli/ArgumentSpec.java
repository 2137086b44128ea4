package dev.instaflow.ptx.cli;

import java.util.Locale;

/**
 * One {@code --arg}: a number, or a buffer with its contents.
 *
 * @param kind what it is
 * @param value of a number
 * @param count elements of a buffer
 * @param filling of a buffer
 */
record ArgumentSpec(Kind kind, double value, int count, Filling filling) {
    /** What is handed over: a number, or the address of a buffer of such elements. */
    enum Kind {
        I32,
        I64,
        F32,
        F32_BUFFER,
        I32_BUFFER,
        F16_BUFFER
    }

    /** What a buffer holds before the launch. */
    enum Filling {
        NONE,
        ZERO,
        ONE,
        IOTA,
        RANDOM
    }

    /** Reads {@code i32:7}, {@code f32:0.5}, {@code f32[1024]:random}. */
    static ArgumentSpec parse(String text) {
        int colon = text.indexOf(':');
        int bracket = text.indexOf('[');
        try {
            if (bracket < 0) {
                Kind kind = Kind.valueOf(upper(text.substring(0, colon)));
                double value = Double.parseDouble(text.substring(colon + 1));
                return new ArgumentSpec(kind, value, 0, Filling.NONE);
            }
            Kind kind = Kind.valueOf(upper(text.substring(0, bracket)) + "_BUFFER");
            int close = text.indexOf(']');
            int count = Integer.parseInt(text.substring(bracket + 1, close));
            Filling filling =
                    colon < 0 ? Filling.NONE : Filling.valueOf(upper(text.substring(colon + 1)));
            return new ArgumentSpec(kind, 0, count, filling);
        } catch (IllegalArgumentException | StringIndexOutOfBoundsException e) {
            throw new IllegalArgumentException(
                    "--arg "
                            + text
                            + ": expected i32:N, i64:N, f32:X, or f32[N], i32[N], f16[N] followed by"
                            + " :zero, :one, :iota or :random, or by nothing if only written",
                    e);
        }
    }

    private static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }
}
