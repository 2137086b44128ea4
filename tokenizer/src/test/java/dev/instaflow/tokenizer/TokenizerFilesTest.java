package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerFilesTest {
    private static final int MAX_MESSAGE = 300;

    @TempDir private Path folder;

    private static String vocab() throws IOException {
        return new String(Fixtures.bytes("tiny-emoji/vocab.json"), StandardCharsets.UTF_8);
    }

    private static String merges() throws IOException {
        return new String(Fixtures.bytes("tiny-emoji/merges.txt"), StandardCharsets.UTF_8);
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void assertRefused(String vocab, String merges, String... expected) {
        TokenizerFormatException e =
                assertThrows(
                        TokenizerFormatException.class,
                        () ->
                                ClipTokenizer.load(
                                        stream(vocab),
                                        stream(merges),
                                        TokenizerSettings.tinyEmoji()));
        for (String part : expected) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
        assertTrue(e.getMessage().length() < MAX_MESSAGE, e.getMessage());
    }

    @Test
    void missingFileIsNamed() throws IOException {
        TokenizerFormatException none =
                assertThrows(TokenizerFormatException.class, () -> ClipTokenizer.load(folder));
        assertTrue(none.getMessage().startsWith(folder.resolve("vocab.json") + ": no such file"));
        Files.writeString(folder.resolve("vocab.json"), vocab());
        TokenizerFormatException one =
                assertThrows(TokenizerFormatException.class, () -> ClipTokenizer.load(folder));
        assertTrue(one.getMessage().startsWith(folder.resolve("merges.txt") + ": no such file"));
    }

    @Test
    void hugeFileIsRefusedUnread() throws IOException {
        Files.writeString(folder.resolve("merges.txt"), merges());
        try (RandomAccessFile sparse =
                new RandomAccessFile(folder.resolve("vocab.json").toFile(), "rw")) {
            sparse.setLength(10L << 30);
        }
        TokenizerFormatException e =
                assertThrows(TokenizerFormatException.class, () -> ClipTokenizer.load(folder));
        assertTrue(e.getMessage().contains("has 10737418240 bytes"), e.getMessage());
    }

    @Test
    void endlessStreamIsRefused() throws IOException {
        InputStream endless =
                new InputStream() {
                    @Override
                    public int read() {
                        return ' ';
                    }

                    @Override
                    public int read(byte[] buffer, int offset, int length) {
                        java.util.Arrays.fill(buffer, offset, offset + length, (byte) ' ');
                        return length;
                    }
                };
        TokenizerFormatException e =
                assertThrows(
                        TokenizerFormatException.class,
                        () -> TokenizerFiles.read(endless, stream("")));
        assertTrue(e.getMessage().contains("more than"), e.getMessage());
    }

    @Test
    void malformedVocabulariesAreRefused() throws IOException {
        String vocab = vocab();
        String merges = merges();
        assertRefused("", merges, "vocab.json", "one JSON object");
        assertRefused("[]", merges, "one JSON object");
        assertRefused(vocab.substring(0, vocab.lastIndexOf(',')), merges, "not valid JSON");
        assertRefused(vocab + "x", merges, "vocab.json");
        assertRefused(vocab + "{}", merges, "after its JSON object");
        assertRefused("{\"a\":\"b\"}", merges, "\"a\"", "not an integer");
        assertRefused("{\"a\":[[[1]]]}", merges, "not an integer");
        assertRefused("{\"a\":-1}", merges, "\"a\"", "-1");
        assertRefused("{\"a\":99999999999999999999}", merges, "99999999999999999999");
        assertRefused("{\"a\":0,\"b\":0}", merges, "id 0 belongs to both \"a\" and \"b\"");
        assertRefused("{\"a\":0,\"b\":2}", merges, "none with id 1");
        assertRefused("{\"a\":0,\"a\":1}", merges, "\"a\" has two ids, 0 and 1");
        assertRefused("{\"a\":0}", merges, "lacks the piece");
        assertRefused("{\"▁the\":0}", merges, "byte alphabet");
        assertRefused("{\"" + "a".repeat(9999) + "\":0.5}", merges, "…");
        assertRefused(
                vocab.replace("<|endoftext|>", "<|other|>"), merges, "lacks", "<|endoftext|>");
    }

    @Test
    void malformedMergesAreRefused() throws IOException {
        String vocab = vocab();
        assertRefused(vocab, "#version: 0.2\na\n", "merges.txt", "line 2", "\"a\"");
        assertRefused(vocab, "a b c\n", "line 1");
        assertRefused(vocab, " b\n", "line 1");
        assertRefused(vocab, "a \n", "line 1");
        assertRefused(vocab, "zzz q\n", "merge 0 names the piece \"zzz\"");
        assertRefused(vocab, "! \"\n", "merge 0 names the piece \"!\"\"");
        String first = merges().lines().skip(1).findFirst().orElseThrow();
        assertRefused(vocab, first + "\n" + first + "\n", "merges 0 and 1 are the same");
    }

    @Test
    void windowsLineEndsAndAMissingHeaderAreFine() throws IOException {
        String merges = merges();
        String bare = merges.substring(merges.indexOf('\n') + 1).strip();
        int[] expected = Fixtures.tinyEmoji().ids("красное сердце");
        for (String variant : new String[] {bare, merges.replace("\n", "\r\n")}) {
            ClipTokenizer tokenizer =
                    ClipTokenizer.load(
                            stream(vocab()), stream(variant), TokenizerSettings.tinyEmoji());
            assertArrayEquals(expected, tokenizer.ids("красное сердце"));
        }
    }

    @Test
    void writtenFilesEqualTheOnesRead() throws IOException {
        TokenizerFiles files;
        try (InputStream vocab = Fixtures.open("clip/vocab.json");
                InputStream merges = Fixtures.open("clip/merges.txt")) {
            files = TokenizerFiles.read(vocab, merges);
        }
        files.write(folder);
        assertArrayEquals(
                Fixtures.bytes("clip/merges.txt"),
                Files.readAllBytes(folder.resolve("merges.txt")));
        assertEquals(49408, TokenizerFiles.read(folder).vocabulary().size());
        assertArrayEquals(
                Fixtures.bytes("clip/vocab.json"),
                Files.readAllBytes(folder.resolve("vocab.json")));
    }
}
