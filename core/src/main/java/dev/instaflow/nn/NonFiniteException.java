package dev.instaflow.nn;

/** A block computed a NaN or an infinity. The message names the block, its tensor and its range. */
public final class NonFiniteException extends ArithmeticException {
    private static final long serialVersionUID = 1L;

    NonFiniteException(String message) {
        super(message);
    }
}
