package dev.instaflow.train.data;

/**
 * What is wrong with a row of a collection.
 *
 * @param line where the row begins in the file, the first being 1
 * @param kind what kind of problem
 * @param detail for people: what was found
 */
public record RowProblem(long line, Kind kind, String detail) {
    /** Kinds of problems, and whether a row is left out for them. */
    public enum Kind {
        /** The row has another number of fields than the header. */
        FIELDS(true),
        /** No caption. */
        NO_TEXT(true),
        /** The picture's name is empty or leads out of the folder. */
        BAD_NAME(true),
        /** None of the folders has the picture. */
        NO_PICTURE(true),
        /** The picture cannot be read. */
        BROKEN_PICTURE(true),
        /** Picture and caption stand in a row before. */
        REPEATED_ROW(true),
        /** A row before has the same pixels; the row is kept. */
        REPEATED_PICTURE(false),
        /** A row before has the same caption; the row is kept. */
        REPEATED_TEXT(false);

        private final boolean leavesOut;

        Kind(boolean leavesOut) {
            this.leavesOut = leavesOut;
        }

        /**
         * Whether a row is left out for it.
         *
         * @return false if it is only worth knowing
         */
        public boolean leavesOut() {
            return leavesOut;
        }
    }

    /** As {@code line 7: NO_PICTURE: 1f600.png}. */
    @Override
    public String toString() {
        return "line " + line + ": " + kind + ": " + detail;
    }
}
