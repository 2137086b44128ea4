package dev.instaflow.ptx;

/** A PTX text that cannot be read or holds an instruction that is not known; names source and line. */
public final class PtxException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final int line;

    /**
     * @param source name of the text, usually the file name
     * @param line line in that text, from 1
     * @param problem what was found and what was expected
     */
    public PtxException(String source, int line, String problem) {
        super(source + ":" + line + ": " + problem);
        this.line = line;
    }

    /** Line in the text, from 1. */
    public int line() {
        return line;
    }
}
