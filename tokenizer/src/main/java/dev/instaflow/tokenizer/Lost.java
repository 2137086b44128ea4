package dev.instaflow.tokenizer;

/**
 * The end of a prompt that is too long.
 *
 * @param tokens how many tokens did not fit
 * @param text what they stand for
 */
record Lost(int tokens, String text) {
    static final Lost NOTHING = new Lost(0, "");

    /**
     * The end of the prompt as it was written. Found by walking both texts backwards, since
     * cleaning keeps no record of where its characters came from.
     *
     * @param cut where in {@code clean} the first lost character stands
     */
    static Lost of(int tokens, String prompt, CleanText clean, int cut) {
        int from = prompt.length();
        for (int i = clean.length(); i > cut; ) {
            char wanted = clean.chars()[--i];
            if (!WordSplitter.isWhiteSpace(wanted)) {
                from = skipSpaceBackwards(prompt, from) - 1;
                if (from < 0 || Character.toLowerCase(prompt.charAt(from)) != wanted) {
                    return new Lost(tokens, clean.from(cut).strip());
                }
            }
        }
        return new Lost(tokens, prompt.substring(from).strip());
    }

    private static int skipSpaceBackwards(String text, int end) {
        int i = end;
        while (i > 0 && WordSplitter.isWhiteSpace(text.charAt(i - 1))) {
            i--;
        }
        return i;
    }
}
