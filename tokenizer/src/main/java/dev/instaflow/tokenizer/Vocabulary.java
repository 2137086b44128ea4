package dev.instaflow.tokenizer;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * The pieces of a byte-level vocabulary and their ids, 0..size-1 without gaps. Immutable and
 * thread-safe.
 * <p>A piece is written in GPT-2's byte alphabet, one character a byte; {@code </w>} closes a word.
 * All 256 bytes must be there both ways, so every text has ids.
 */
public final class Vocabulary {
    /** Piece that opens every model input. */
    public static final String START_OF_TEXT = "<|startoftext|>";

    /** Piece that closes every model input, and pads it unless the settings say otherwise. */
    public static final String END_OF_TEXT = "<|endoftext|>";

    /** CLIP has 49,408 pieces; four times the largest vocabularies in use is still a sane file. */
    static final int MAX_SIZE = 1_000_000;

    private static final int BYTES = 256;
    private static final int NONE = -1;

    private final String[] pieces;
    private final int[] slots; // open addressing over pieces: id, or NONE
    private final int startOfText;
    private final int endOfText;

    private Vocabulary(String[] pieces, int[] slots) {
        this.pieces = pieces;
        this.slots = slots;
        this.startOfText = find(START_OF_TEXT);
        this.endOfText = find(END_OF_TEXT);
    }

    /**
     * @return the vocabulary whose ids are the places in {@code pieces}, which were made here and
     *     are distinct
     */
    static Vocabulary ofDistinct(List<String> pieces) {
        String[] byId = pieces.toArray(String[]::new);
        return new Vocabulary(byId, slotsOf(byId));
    }

    /**
     * @param json the content of a vocab.json: one object, piece to id
     * @param source its name for messages
     */
    static Vocabulary parse(byte[] json, String source) throws TokenizerFormatException {
        String[] byId = readPieces(json, source);
        Vocabulary vocabulary = new Vocabulary(byId, slotsOf(byId));
        vocabulary.requireSound(source);
        return vocabulary;
    }

    private static String[] readPieces(byte[] json, String source) throws TokenizerFormatException {
        // Interning and canonicalising 49,408 names that each occur once costs more than parsing
        // them.
        JsonFactory factory =
                JsonFactory.builder()
                        .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                        .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                        .build();
        try (JsonParser parser = factory.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new TokenizerFormatException(
                        source, "expected one JSON object of piece to id, as in CLIP's vocab.json");
            }
            String[] byId = new String[1 << 16];
            int count = 0;
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String piece = parser.currentName();
                int id = readId(parser, piece, source);
                if (id >= byId.length) {
                    byId = Arrays.copyOf(byId, Math.min(MAX_SIZE, Math.max(id + 1, 2 * id)));
                }
                if (byId[id] != null) {
                    throw new TokenizerFormatException(
                            source,
                            "id "
                                    + id
                                    + " belongs to both "
                                    + quote(byId[id])
                                    + " and "
                                    + quote(piece));
                }
                byId[id] = piece;
                count++;
            }
            if (parser.nextToken() != null) {
                throw new TokenizerFormatException(source, "has content after its JSON object");
            }
            return withoutGaps(byId, count, source);
        } catch (JsonProcessingException e) {
            throw new TokenizerFormatException(
                    source, "is not valid JSON: " + e.getOriginalMessage(), e);
        } catch (TokenizerFormatException e) {
            throw e;
        } catch (IOException e) {
            throw new TokenizerFormatException(source, "is not valid UTF-8 JSON", e);
        }
    }

    private static int readId(JsonParser parser, String piece, String source) throws IOException {
        if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) {
            throw new TokenizerFormatException(
                    source,
                    "the id of "
                            + quote(piece)
                            + " is "
                            + parser.currentToken()
                            + ", not an integer");
        }
        // Not getIntValue: its class compiles regular expressions, a sixth of a cold start's time.
        char[] digits = parser.getTextCharacters();
        int start = parser.getTextOffset();
        int end = start + parser.getTextLength();
        int id = 0;
        for (int i = start; i < end && id < MAX_SIZE; i++) {
            id = digits[i] == '-' ? MAX_SIZE : 10 * id + digits[i] - '0';
        }
        if (id >= MAX_SIZE) {
            throw new TokenizerFormatException(
                    source,
                    "the id of "
                            + quote(piece)
                            + " is "
                            + quote(new String(digits, start, end - start))
                            + ", not within 0.."
                            + (MAX_SIZE - 1));
        }
        return id;
    }

    private static String[] withoutGaps(String[] byId, int count, String source)
            throws TokenizerFormatException {
        for (int id = 0; id < count; id++) {
            if (id >= byId.length || byId[id] == null) {
                throw new TokenizerFormatException(
                        source,
                        "has "
                                + count
                                + " pieces but none with id "
                                + id
                                + ": ids must have no gap");
            }
        }
        return Arrays.copyOf(byId, count);
    }

    private static int[] slotsOf(String[] byId) {
        int[] slots = new int[Integer.highestOneBit(Math.max(8, byId.length)) << 2];
        Arrays.fill(slots, NONE);
        for (int id = 0; id < byId.length; id++) {
            int slot = firstSlot(byId[id], slots.length);
            while (slots[slot] != NONE) {
                slot = (slot + 1) & (slots.length - 1);
            }
            slots[slot] = id;
        }
        return slots;
    }

    private static int firstSlot(String piece, int capacity) {
        int hash = piece.hashCode() * 0x9E3779B1;
        return (hash ^ (hash >>> 15)) & (capacity - 1);
    }

    private void requireSound(String source) throws TokenizerFormatException {
        for (int id = 0; id < pieces.length; id++) {
            if (find(pieces[id]) != id) {
                throw new TokenizerFormatException(
                        source,
                        quote(pieces[id]) + " has two ids, " + find(pieces[id]) + " and " + id);
            }
            if (!ByteAlphabet.covers(pieces[id])) {
                throw new TokenizerFormatException(
                        source,
                        quote(pieces[id])
                                + " (id "
                                + id
                                + ") is outside the byte alphabet: not a byte-level vocabulary");
            }
        }
        for (int value = 0; value < BYTES; value++) {
            require(ByteAlphabet.piece(value), source);
            require(ByteAlphabet.lastPiece(value), source);
        }
        require(START_OF_TEXT, source);
        require(END_OF_TEXT, source);
    }

    private void require(String piece, String source) throws TokenizerFormatException {
        if (find(piece) == NONE) {
            throw new TokenizerFormatException(
                    source, "lacks the piece " + quote(piece) + ", which CLIP's vocabularies have");
        }
    }

    /** @return {@code text} in quotes, shortened so that no file can make a message long */
    static String quote(String text) {
        return '"' + (text.length() > 40 ? text.substring(0, 40) + "…" : text) + '"';
    }

    /** @return the id, or -1 */
    int find(String piece) {
        int slot = firstSlot(piece, slots.length);
        while (slots[slot] != NONE) {
            if (pieces[slots[slot]].equals(piece)) {
                return slots[slot];
            }
            slot = (slot + 1) & (slots.length - 1);
        }
        return NONE;
    }

    /** @return number of pieces; ids are 0..size-1 */
    public int size() {
        return pieces.length;
    }

    /**
     * @param piece as the file writes it, e.g. {@code "cat</w>"}
     * @return its id, or empty if it is no piece of this vocabulary
     */
    public OptionalInt id(String piece) {
        int id = find(piece);
        return id == NONE ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /**
     * @param id 0..size-1
     * @return the piece as the file writes it
     * @throws IllegalArgumentException if no piece has that id
     */
    public String piece(int id) {
        if (id < 0 || id >= pieces.length) {
            throw new IllegalArgumentException(
                    "no piece has the id " + id + "; ids are 0.." + (pieces.length - 1));
        }
        return pieces[id];
    }

    /** @return id of {@link #START_OF_TEXT} */
    public int startOfText() {
        return startOfText;
    }

    /** @return id of {@link #END_OF_TEXT} */
    public int endOfText() {
        return endOfText;
    }

    /** @return the content of a vocab.json, ids ascending */
    byte[] toJson() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(16 * pieces.length);
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes, JsonEncoding.UTF8)) {
            json.writeStartObject();
            for (int id = 0; id < pieces.length; id++) {
                json.writeNumberField(pieces[id], id);
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException("a byte array cannot fail to be written", e);
        }
        return bytes.toByteArray();
    }
}
