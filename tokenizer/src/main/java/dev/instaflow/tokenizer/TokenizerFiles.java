package dev.instaflow.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The two files that make a tokenizer, as Hugging Face lays them out: {@code vocab.json} and
 * {@code merges.txt}.
 *
 * @param vocabulary pieces and ids
 * @param merges every piece and every result of a merge is in {@code vocabulary}; checked when a
 *     {@link ClipTokenizer} is made of them
 */
public record TokenizerFiles(Vocabulary vocabulary, BytePairMerges merges) {
    static final String VOCABULARY = "vocab.json";
    static final String MERGES = "merges.txt";

    /**
     * CLIP's are 0.9 and 0.5 MB. A larger file is a mistake, and must not be read to its end to
     * find out.
     */
    static final int MAX_BYTES = 64 << 20;

    /**
     * @param folder holds vocab.json and merges.txt
     * @throws TokenizerFormatException if one is missing, too large or malformed
     */
    public static TokenizerFiles read(Path folder) throws IOException {
        try (InputStream vocabulary = open(folder.resolve(VOCABULARY));
                InputStream merges = open(folder.resolve(MERGES))) {
            return new TokenizerFiles(
                    Vocabulary.parse(
                            readBounded(vocabulary, folder.resolve(VOCABULARY).toString()),
                            folder.resolve(VOCABULARY).toString()),
                    BytePairMerges.parse(
                            readBounded(merges, folder.resolve(MERGES).toString()),
                            folder.resolve(MERGES).toString()));
        }
    }

    /**
     * @param vocabulary content of a vocab.json; read to its end, not closed
     * @param merges content of a merges.txt; read to its end, not closed
     * @throws TokenizerFormatException if one is too large or malformed
     */
    public static TokenizerFiles read(InputStream vocabulary, InputStream merges)
            throws IOException {
        return new TokenizerFiles(
                Vocabulary.parse(readBounded(vocabulary, VOCABULARY), VOCABULARY),
                BytePairMerges.parse(readBounded(merges, MERGES), MERGES));
    }

    /**
     * Writes both files, each first to a temporary file beside its place.
     *
     * @param folder made if it does not exist
     */
    public void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        writeAtomically(folder.resolve(VOCABULARY), vocabulary.toJson());
        writeAtomically(folder.resolve(MERGES), merges.toText());
    }

    private static InputStream open(Path file) throws IOException {
        try {
            if (Files.isDirectory(file)) {
                throw new TokenizerFormatException(file.toString(), "is a folder, not a file");
            }
            long sizeBytes = Files.size(file);
            if (sizeBytes > MAX_BYTES) {
                throw tooLarge(file.toString(), sizeBytes + " bytes");
            }
            return Files.newInputStream(file);
        } catch (NoSuchFileException e) {
            throw new TokenizerFormatException(
                    file.toString(),
                    "no such file; a tokenizer folder holds vocab.json and merges.txt",
                    e);
        }
    }

    private static byte[] readBounded(InputStream in, String source) throws IOException {
        byte[] bytes = in.readNBytes(MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) {
            throw tooLarge(source, "more than " + MAX_BYTES + " bytes");
        }
        return bytes;
    }

    private static TokenizerFormatException tooLarge(String source, String found) {
        return new TokenizerFormatException(
                source, "has " + found + "; a tokenizer file has at most " + MAX_BYTES);
    }

    private static void writeAtomically(Path target, byte[] content) throws IOException {
        // Not createTempFile: its files are readable by their owner alone, and stay so after the
        // move.
        Path part =
                target.resolveSibling(
                        target.getFileName() + "." + ProcessHandle.current().pid() + ".part");
        try {
            Files.write(part, content);
            Files.move(
                    part,
                    target,
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }
}
