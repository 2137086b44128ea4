package dev.instaflow.train.data;

import java.util.Optional;

/**
 * How a collection is read.
 *
 * @param imageColumn header of the column with the pictures' names; found out if empty
 * @param textColumn header of the column with the captions; found out if empty
 * @param strictness what happens to rows that cannot be used
 */
public record DatasetOptions(
        Optional<String> imageColumn, Optional<String> textColumn, Strictness strictness) {
    /** Columns are found out, bad rows reported. */
    public static final DatasetOptions DEFAULT =
            new DatasetOptions(Optional.empty(), Optional.empty(), Strictness.REPORT);

    /** What happens to rows that cannot be used. */
    public enum Strictness {
        /** They are left out and reported. */
        REPORT,
        /** The first of them ends the reading with an exception. */
        FAIL
    }

    /**
     * Named columns.
     *
     * @param image header of the column with the pictures' names
     * @param text header of the column with the captions
     * @return a changed copy
     */
    public DatasetOptions withColumns(String image, String text) {
        return new DatasetOptions(Optional.of(image), Optional.of(text), strictness);
    }

    /**
     * Another strictness.
     *
     * @param other what happens to rows that cannot be used
     * @return a changed copy
     */
    public DatasetOptions withStrictness(Strictness other) {
        return new DatasetOptions(imageColumn, textColumn, other);
    }
}
