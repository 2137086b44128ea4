package dev.instaflow.train.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A picture with its captions.
 *
 * @param line where its row begins in the file
 * @param picture exists and could be read
 * @param text the caption
 * @param tags further words for it, possibly none
 * @param split what it is for
 * @param fields all fields of the row, by header
 */
public record EmojiRow(
        long line,
        Path picture,
        String text,
        List<String> tags,
        Split split,
        Map<String, String> fields) {
    /** What a row is for. */
    public enum Split {
        /** To learn. */
        TRAIN,
        /** To be held out. */
        VALID
    }
}
