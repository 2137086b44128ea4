package dev.instaflow.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * Text to token ids and back: CLIP's byte-level byte-pair encoding.
 * <p>Follows OpenAI's CLIP, {@code clip/simple_tokenizer.py}: the text is cleaned ({@link
 * TextCleanup}), cut into words, and each word's UTF-8 bytes are merged by rank. Every text has
 * ids; there is no unknown token.
 * <p>Thread-safe. It remembers a bounded number of words that it has encoded, and nothing else.
 */
public final class ClipTokenizer {
    private final Vocabulary vocabulary;
    private final TokenizerSettings settings;
    private final BytePairEncoder encoder;

    private ClipTokenizer(
            Vocabulary vocabulary, TokenizerSettings settings, BytePairEncoder encoder) {
        this.vocabulary = vocabulary;
        this.settings = settings;
        this.encoder = encoder;
    }

    /**
     * @param folder holds vocab.json and merges.txt
     * @return a tokenizer with {@link TokenizerSettings#clip()}
     * @throws TokenizerFormatException if a file is missing, too large, malformed, or not of one
     *     kind with the other
     */
    public static ClipTokenizer load(Path folder) throws IOException {
        return load(folder, TokenizerSettings.clip());
    }

    /**
     * @param folder holds vocab.json and merges.txt
     * @throws TokenizerFormatException if a file is missing, too large, malformed, or not of one
     *     kind with the other
     */
    public static ClipTokenizer load(Path folder, TokenizerSettings settings) throws IOException {
        return of(
                TokenizerFiles.read(folder),
                settings,
                folder.resolve(TokenizerFiles.MERGES).toString());
    }

    /**
     * @param vocab content of a vocab.json; read to its end, not closed
     * @param merges content of a merges.txt; read to its end, not closed
     * @throws TokenizerFormatException if one is too large, malformed, or not of one kind with the
     *     other
     */
    public static ClipTokenizer load(
            InputStream vocab, InputStream merges, TokenizerSettings settings) throws IOException {
        return of(TokenizerFiles.read(vocab, merges), settings);
    }

    /**
     * The tokenizer of CLIP ViT-L/14, and so of Stable Diffusion 1.x and InstaFlow; its vocabulary is a
     * resource of this module (MIT, OpenAI).
     *
     * @param settings lengths and cleanup, usually {@link TokenizerSettings#clip()}
     * @throws IOException if the resource cannot be read
     */
    public static ClipTokenizer openAi(TokenizerSettings settings) throws IOException {
        try (InputStream vocab = ClipTokenizer.class.getResourceAsStream("clip/vocab.json");
                InputStream merges = ClipTokenizer.class.getResourceAsStream("clip/merges.txt")) {
            return load(vocab, merges, settings);
        }
    }

    /** @throws TokenizerFormatException if a merge names a piece that the vocabulary lacks */
    public static ClipTokenizer of(TokenizerFiles files, TokenizerSettings settings)
            throws TokenizerFormatException {
        return of(files, settings, TokenizerFiles.MERGES);
    }

    private static ClipTokenizer of(TokenizerFiles files, TokenizerSettings settings, String source)
            throws TokenizerFormatException {
        Objects.requireNonNull(settings, "settings");
        MergeTable merges = MergeTable.of(files.vocabulary(), files.merges(), source);
        return new ClipTokenizer(
                files.vocabulary(), settings, new BytePairEncoder(files.vocabulary(), merges));
    }

    /** @return the pieces and their ids */
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /** @return the settings it was made with */
    public TokenizerSettings settings() {
        return settings;
    }

    /** @return ids of the whole text, without start, end, padding or a limit */
    public int[] ids(String text) {
        return ids(settings.cleanup().clean(text));
    }

    private int[] ids(CleanText clean) {
        IdBuffer ids = new IdBuffer(clean.length() / 3 + 8);
        WordSplitter words = new WordSplitter(clean);
        while (words.next()) {
            ids.append(encoder.encode(clean.chars(), words.start(), words.end()));
        }
        return ids.toArray();
    }

    /**
     * @return start of text, the ids, end of text, padded to {@link TokenizerSettings#maxLength}
     * @throws IllegalArgumentException if the prompt is too long and the settings say {@link
     *     Truncation#REFUSE}
     */
    public Encoding encode(String prompt) {
        CleanText clean = settings.cleanup().clean(prompt);
        int[] ids = ids(clean);
        int room = settings.textLength();
        if (ids.length <= room) {
            return Encoding.of(ids, 0, settings, vocabulary, Lost.NOTHING);
        }
        Lost lost = Lost.of(ids.length - room, prompt, clean, startOfToken(clean, room));
        if (settings.truncation() == Truncation.REFUSE) {
            throw new IllegalArgumentException(
                    "the prompt has "
                            + ids.length
                            + " tokens, the model reads "
                            + room
                            + "; shorten it, this would be lost: \""
                            + lost.text()
                            + "\"");
        }
        return Encoding.of(ids, 0, settings, vocabulary, lost);
    }

    /**
     * A prompt of any length as several model inputs, each with its own start and end, whose text
     * states are then concatenated. Nothing is lost.
     *
     * @return at least one
     */
    public List<Encoding> encodeChunks(String prompt) {
        return chunksOf(ids(prompt));
    }

    /**
     * A prompt whose emphasis signs ({@link PromptEmphasis}) are weights, not text; of any length,
     * as {@link #encodeChunks}. A word ends where a weight does.
     */
    public WeightedEncoding encodeWeighted(String prompt) {
        List<WeightedText> parts = PromptEmphasis.parse(prompt);
        IdBuffer ids = new IdBuffer(prompt.length() / 3 + 8);
        int[] ends = new int[parts.size()];
        for (int i = 0; i < ends.length; i++) {
            ids.append(ids(parts.get(i).text()));
            ends[i] = ids.size();
        }
        float[] textWeights = new float[ids.size()];
        for (int i = 0, start = 0; i < ends.length; start = ends[i++]) {
            Arrays.fill(textWeights, start, ends[i], parts.get(i).weight());
        }
        List<Encoding> chunks = chunksOf(ids.toArray());
        float[][] weights = new float[chunks.size()][settings.maxLength()];
        for (int i = 0; i < weights.length; i++) {
            Arrays.fill(weights[i], 1);
            int start = i * settings.textLength();
            int count = Math.min(textWeights.length - start, settings.textLength());
            System.arraycopy(textWeights, start, weights[i], 1, count);
        }
        return new WeightedEncoding(chunks, weights);
    }

    private List<Encoding> chunksOf(int[] ids) {
        List<Encoding> chunks = new ArrayList<>();
        int start = 0;
        do {
            chunks.add(Encoding.of(ids, start, settings, vocabulary, Lost.NOTHING));
            start += settings.textLength();
        } while (start < ids.length);
        return List.copyOf(chunks);
    }

    /**
     * @return where in the cleaned text the character stands that holds the first byte of a token
     */
    private int startOfToken(CleanText clean, int token) {
        WordSplitter words = new WordSplitter(clean);
        int left = token;
        while (words.next()) {
            int[] ids = encoder.encode(clean.chars(), words.start(), words.end());
            if (left < ids.length) {
                return words.start() + charsBefore(ids, left, clean.chars(), words.start());
            }
            left -= ids.length;
        }
        return clean.length();
    }

    /** @return how many whole characters the first {@code count} tokens of a word cover */
    private int charsBefore(int[] ids, int count, char[] chars, int start) {
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes +=
                    vocabulary
                            .piece(ids[i])
                            .length(); // one character a byte; none of them ends the word
        }
        int covered = 0;
        while (true) {
            int point = Character.codePointAt(chars, start + covered);
            bytes -= point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
            if (bytes < 0) {
                return covered;
            }
            covered += Character.charCount(point);
        }
    }

    /**
     * The text of ids, as OpenAI's {@code decode}: a space behind each word, special tokens spelt
     * out.
     *
     * @throws IllegalArgumentException if an id is not in the vocabulary
     */
    public String decode(int... ids) {
        StringBuilder pieces = new StringBuilder(4 * ids.length);
        for (int id : ids) {
            pieces.append(vocabulary.piece(id));
        }
        return textOf(pieces);
    }

    static String textOf(CharSequence pieces) {
        return ByteAlphabet.decode(pieces).replace(ByteAlphabet.END_OF_WORD, " ");
    }
}
