package dev.instaflow.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The merges of a byte-pair encoding in the order in which they were learnt; an earlier merge is
 * applied first. Immutable and thread-safe.
 */
public final class BytePairMerges {
    private static final String HEADER = "#version: 0.2";

    private final String[] left;
    private final String[] right;

    private BytePairMerges(String[] left, String[] right) {
        this.left = left;
        this.right = right;
    }

    /** @return merges {@code left[i] + right[i]}, by rank */
    static BytePairMerges of(List<String> left, List<String> right) {
        return new BytePairMerges(left.toArray(String[]::new), right.toArray(String[]::new));
    }

    /**
     * @param content of a merges.txt: optionally a line that begins with {@code #version}, then a
     *     pair a line
     * @param source its name for messages
     */
    static BytePairMerges parse(byte[] content, String source) throws TokenizerFormatException {
        String text = new String(content, StandardCharsets.UTF_8);
        String[] left = new String[1 << 16];
        String[] right = new String[1 << 16];
        int count = 0;
        int line = 1;
        for (int start = 0; start < text.length(); line++) {
            int end = text.indexOf('\n', start);
            end = end < 0 ? text.length() : end;
            int last = end > start && text.charAt(end - 1) == '\r' ? end - 1 : end;
            // "# #" is a merge: only the first line may be a comment.
            if (last > start && !(line == 1 && text.startsWith("#version", start))) {
                int space = text.indexOf(' ', start);
                if (space <= start
                        || space >= last - 1
                        || text.lastIndexOf(' ', last - 1) != space) {
                    throw new TokenizerFormatException(
                            source,
                            "line "
                                    + line
                                    + " is "
                                    + Vocabulary.quote(text.substring(start, last))
                                    + ", not two pieces with one space between");
                }
                if (count == left.length) {
                    left = Arrays.copyOf(left, 2 * count);
                    right = Arrays.copyOf(right, 2 * count);
                }
                left[count] = text.substring(start, space);
                right[count++] = text.substring(space + 1, last);
            }
            start = end + 1;
        }
        return new BytePairMerges(Arrays.copyOf(left, count), Arrays.copyOf(right, count));
    }

    /** @return number of merges; ranks are 0..size-1 */
    public int size() {
        return left.length;
    }

    /** @param rank 0..size-1 @return the left piece of the merge */
    public String left(int rank) {
        return left[rank];
    }

    /** @param rank 0..size-1 @return the right piece of the merge */
    public String right(int rank) {
        return right[rank];
    }

    /** @return the content of a merges.txt */
    byte[] toText() {
        StringBuilder text = new StringBuilder(16 * left.length).append(HEADER).append('\n');
        for (int rank = 0; rank < left.length; rank++) {
            text.append(left[rank]).append(' ').append(right[rank]).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }
}
