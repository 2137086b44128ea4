package dev.instaflow.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A prompt as a model reads it. Immutable and thread-safe. */
public final class Encoding {
    private final int[] ids;
    private final int length;
    private final int lostTokens;
    private final String lostText;
    private final Vocabulary vocabulary;

    private Encoding(
            int[] ids, int length, int lostTokens, String lostText, Vocabulary vocabulary) {
        this.ids = ids;
        this.length = length;
        this.lostTokens = lostTokens;
        this.lostText = lostText;
        this.vocabulary = vocabulary;
    }

    /**
     * @param textIds ids of the text
     * @param start the first that is used; as many as fit follow it
     * @param lost what did not fit
     */
    static Encoding of(
            int[] textIds,
            int start,
            TokenizerSettings settings,
            Vocabulary vocabulary,
            Lost lost) {
        int count = Math.min(textIds.length - start, settings.textLength());
        int[] ids = new int[settings.maxLength()];
        ids[0] = vocabulary.startOfText();
        System.arraycopy(textIds, start, ids, 1, count);
        ids[count + 1] = vocabulary.endOfText();
        int pad = settings.padding() == Padding.ID_ZERO ? 0 : vocabulary.endOfText();
        Arrays.fill(ids, count + 2, ids.length, pad);
        return new Encoding(ids, count + 2, lost.tokens(), lost.text(), vocabulary);
    }

    /**
     * @return [T] ids from start of text to the last padding, T = {@link
     *     TokenizerSettings#maxLength}
     */
    public int[] ids() {
        return ids.clone();
    }

    /** @return number of ids before the padding, start and end of text included */
    public int length() {
        return length;
    }

    /** @return the {@link #length} tokens before the padding */
    public List<Piece> pieces() {
        List<Piece> pieces = new ArrayList<>(length);
        for (int i = 0; i < length; i++) {
            String piece = vocabulary.piece(ids[i]);
            pieces.add(new Piece(ids[i], piece, ClipTokenizer.textOf(piece).strip()));
        }
        return List.copyOf(pieces);
    }

    /** @return whether the prompt was too long and its end is not in the ids */
    public boolean isCut() {
        return lostTokens > 0;
    }

    /** @return number of tokens that did not fit */
    public int lostTokens() {
        return lostTokens;
    }

    /**
     * @return the end of the prompt that did not fit, as it was written; as cleaned (lower case),
     *     where the cleaning did more than change case and white space there; empty if all did fit
     */
    public String lostText() {
        return lostText;
    }
}
