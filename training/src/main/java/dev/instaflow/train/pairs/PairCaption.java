package dev.instaflow.train.pairs;

import java.util.Arrays;

/**
 * A caption that a teacher draws.
 *
 * @param text for people
 * @param ids its token ids, as the text encoder takes them
 */
public record PairCaption(String text, int[] ids) {
    @Override
    public boolean equals(Object other) {
        return other instanceof PairCaption caption
                && text.equals(caption.text)
                && Arrays.equals(ids, caption.ids);
    }

    @Override
    public int hashCode() {
        return 31 * text.hashCode() + Arrays.hashCode(ids);
    }

    @Override
    public String toString() {
        return '"' + text + "\" " + Arrays.toString(ids);
    }
}
