package dev.instaflow.tokenizer;

import java.io.IOException;

/**
 * A vocabulary or merges file that is not what it should be; the message names the file and the
 * place.
 */
public final class TokenizerFormatException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * @param source the file, or the name of the stream
     * @param detail what was found, what was expected, what to do
     */
    public TokenizerFormatException(String source, String detail) {
        super(source + ": " + detail);
    }

    /**
     * @param source the file, or the name of the stream
     * @param detail what was found, what was expected, what to do
     * @param cause the parser's own complaint
     */
    public TokenizerFormatException(String source, String detail, Throwable cause) {
        super(source + ": " + detail, cause);
    }
}
