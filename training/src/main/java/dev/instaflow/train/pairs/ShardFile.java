package dev.instaflow.train.pairs;

import dev.instaflow.checkpoint.AtomicFile;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.storage.MappedFile;
import dev.instaflow.train.data.ContentDigest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A file of pairs, little-endian: the eight letters {@code INSTAPRS}, a version and the header's length as
 * 32-bit numbers, the header (recipe, first pair, number of pairs, the captions of these pairs, SHA-256 of all
 * records), the SHA-256 of everything so far, zeros up to a multiple of 64 bytes, and the records. A record has
 * the noise's seed (64 bits), the caption's number, the noise's CRC-32C, the record's own CRC-32C, four zero
 * bytes, and the states in F32.
 *
 * <p>Noises are not stored: they are functions of source and seed, and half of the file would be theirs. Their
 * checksums tell when a generator does not give the same numbers any more. Latents are F32, so that a student
 * sees what its teacher made to the bit.
 *
 * <p>Records are read by position, not through a mapping: the pages are the system's either way, and a file that
 * shrinks meanwhile is an exception and not a fault of the process. Thread-safe.
 */
final class ShardFile implements AutoCloseable {
    /** Bytes of a record before its states. */
    static final int RECORD_HEAD = 24;

    private static final byte[] MAGIC = "INSTAPRS".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int PREFIX = 16;
    private static final int HASH = 32;
    private static final int ALIGNMENT = 64;
    private static final int OWN_CHECK_AT = 16;

    private final MappedFile file;
    private final PairRecipe recipe;
    private final int first;
    private final int count;
    private final Map<Integer, PairCaption> captions;
    private final byte[] recordsHash;
    private final String headerHash;
    private final long recordsAt;

    private ShardFile(MappedFile file, byte[] header, String headerHash, long recordsAt) {
        HeaderBytes.Reader in = new HeaderBytes.Reader(header);
        this.file = file;
        this.headerHash = headerHash;
        this.recordsAt = recordsAt;
        recipe = PairRecipe.read(in);
        first = Math.toIntExact(in.number());
        count = in.positiveInt("pairs");
        captions = new LinkedHashMap<>();
        int used = in.positiveInt("captions of this shard");
        for (int i = 0; i < used; i++) {
            captions.put(Math.toIntExact(in.number()), in.caption());
        }
        recordsHash = in.bytes();
        in.requireEnd();
    }

    /**
     * Writes a file, whole or not at all.
     *
     * @param first number of the first pair
     * @param captions by number, those of these pairs
     */
    static void write(
            Path path,
            PairRecipe recipe,
            int first,
            List<Pair> pairs,
            Map<Integer, PairCaption> captions)
            throws IOException {
        ByteBuffer records = buffer(Math.multiplyExact(pairs.size(), recipe.recordBytes()));
        pairs.forEach(pair -> put(records, pair, recipe));
        records.flip();
        HeaderBytes.Writer header = new HeaderBytes.Writer();
        recipe.write(header);
        header.number(first);
        header.number(pairs.size());
        header.number(captions.size());
        captions.forEach(
                (number, caption) -> {
                    header.number(number);
                    header.caption(caption);
                });
        header.bytes(new ContentDigest().addAll(records.duplicate()).bytes());
        ByteBuffer head = head(header.bytes());
        AtomicFile.write(
                path,
                temporary -> {
                    try (FileChannel out =
                            FileChannel.open(
                                    temporary,
                                    StandardOpenOption.CREATE_NEW,
                                    StandardOpenOption.WRITE)) {
                        writeAll(out, head);
                        writeAll(out, records);
                    }
                });
    }

    private static ByteBuffer head(byte[] header) {
        ByteBuffer head = buffer(aligned(PREFIX + header.length + HASH));
        head.put(MAGIC).putInt(VERSION).putInt(header.length).put(header);
        head.put(new ContentDigest().addAll(head.duplicate().flip()).bytes());
        return head.clear();
    }

    private static int aligned(int bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static void put(ByteBuffer records, Pair pair, PairRecipe recipe) {
        int start = records.position();
        records.putLong(pair.seed()).putInt(pair.caption()).putInt(pair.noiseCheck()).putLong(0);
        for (float[] state : pair.states()) {
            records.asFloatBuffer().put(state);
            records.position(records.position() + state.length * Float.BYTES);
        }
        ByteBuffer record = records.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        record.position(start).limit(start + recipe.recordBytes());
        records.putInt(start + OWN_CHECK_AT, check(record));
    }

    /** Of a record whose place for the checksum is zero. */
    private static int check(ByteBuffer record) {
        CRC32C crc = new CRC32C();
        crc.update(record);
        return (int) crc.getValue();
    }

    /** CRC-32C of values as they would lie in the file. */
    static int check(float... values) {
        ByteBuffer bytes = buffer(values.length * Float.BYTES);
        bytes.asFloatBuffer().put(values);
        return check(bytes);
    }

    private static void writeAll(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Opens a file and checks its header and length; {@link #verify} and {@link #pair} check the records.
     *
     * @return to be closed by the caller
     * @throws PairFileException if it is no such file or is damaged
     */
    static ShardFile open(Path path) throws IOException {
        MappedFile file = MappedFile.open(path);
        boolean opened = false;
        try {
            ShardFile shard = open(file);
            opened = true;
            return shard;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new PairFileException(
                    damaged(path, "a field of the header: " + e.getMessage()), e);
        } catch (CheckpointFormatException e) {
            throw new PairFileException(damaged(path, e.getMessage()), e);
        } finally {
            if (!opened) {
                file.close();
            }
        }
    }

    private static ShardFile open(MappedFile file) throws IOException {
        Path path = file.path();
        if (file.sizeBytes() < PREFIX) {
            throw new PairFileException(
                    path + ": no file of pairs, it has " + file.sizeBytes() + " bytes");
        }
        ByteBuffer prefix = ByteBuffer.wrap(file.bytes(0, PREFIX)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = new byte[MAGIC.length];
        prefix.get(magic);
        if (!Arrays.equals(magic, MAGIC)) {
            throw new PairFileException(
                    "%s: no file of pairs, it begins with %s, expected %s"
                            .formatted(
                                    path,
                                    HexFormat.of().formatHex(magic),
                                    HexFormat.of().formatHex(MAGIC)));
        }
        int version = prefix.getInt();
        if (version != VERSION) {
            throw new PairFileException(
                    "%s: version %d, this library reads %d".formatted(path, version, VERSION));
        }
        int length = prefix.getInt();
        byte[] head = file.bytes(0, Math.addExact(PREFIX + HASH, length) - HASH);
        byte[] hash = file.bytes(head.length, HASH);
        if (!Arrays.equals(hash, new ContentDigest().addAll(ByteBuffer.wrap(head)).bytes())) {
            throw new PairFileException(damaged(path, "the header's SHA-256 differs"));
        }
        byte[] header = Arrays.copyOfRange(head, PREFIX, head.length);
        ShardFile shard =
                new ShardFile(
                        file, header, HexFormat.of().formatHex(hash), aligned(head.length + HASH));
        long expected = shard.recordsAt + (long) shard.count * shard.recipe.recordBytes();
        if (file.sizeBytes() != expected) {
            throw new PairFileException(
                    damaged(path, file.sizeBytes() + " bytes, expected " + expected));
        }
        return shard;
    }

    private static String damaged(Path path, String what) {
        return path + " is damaged: " + what + "; delete it to have it made again";
    }

    PairRecipe recipe() {
        return recipe;
    }

    int first() {
        return first;
    }

    int count() {
        return count;
    }

    Path path() {
        return file.path();
    }

    /** Those of its pairs, by number. */
    Map<Integer, PairCaption> captions() {
        return captions;
    }

    /** SHA-256 of the header, which has that of the records: tells this content from any other. */
    String hash() {
        return headerHash;
    }

    /** Reads all records and compares them with their hash. */
    void verify() throws IOException {
        ContentDigest digest = new ContentDigest();
        file.forEachByte(recordsAt, file.sizeBytes() - recordsAt, digest::addAll);
        if (!Arrays.equals(recordsHash, digest.bytes())) {
            throw new PairFileException(damaged(path(), "the records' SHA-256 differs"));
        }
    }

    /**
     * Reads one pair.
     *
     * @param index in this file, from 0
     */
    Pair pair(int index) throws IOException {
        int size = recipe.recordBytes();
        ByteBuffer record = buffer(size);
        file.read(recordsAt + (long) index * size, record);
        record.clear();
        int stored = record.getInt(OWN_CHECK_AT);
        record.putInt(OWN_CHECK_AT, 0);
        if (stored != check(record.duplicate())) {
            throw new PairFileException(damaged(path(), "the checksum of pair " + (first + index)));
        }
        long seed = record.getLong();
        int caption = record.getInt();
        int noiseCheck = record.getInt();
        record.position(RECORD_HEAD);
        FloatBuffer values = record.asFloatBuffer();
        float[][] states = new float[recipe.segments()][recipe.size()];
        for (float[] state : states) {
            values.get(state);
        }
        return new Pair(seed, caption, noiseCheck, states);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
