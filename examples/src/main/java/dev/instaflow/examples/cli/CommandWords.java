package dev.instaflow.examples.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The words of the command line as the user typed them. In the POSIX locale Java decodes them as
 * ASCII, and a Russian prompt arrives as replacement characters; on Linux the bytes can still be
 * had.
 */
final class CommandWords {
    private static final char REPLACEMENT = '\uFFFD';

    private CommandWords() {}

    /** @param decoded what {@code main} was called with */
    static String[] ofProcess(String[] decoded) {
        if (Arrays.stream(decoded).noneMatch(word -> word.indexOf(REPLACEMENT) >= 0)) {
            return decoded;
        }
        try {
            return recovered(decoded, Files.readAllBytes(Path.of("/proc/self/cmdline")));
        } catch (IOException e) {
            return decoded; // no /proc: nothing better is known
        }
    }

    /**
     * @param decoded with replacement characters
     * @param processLine all words of the process, the JVM's included, each closed by a zero byte
     * @return {@code decoded} if the line ends in other words
     */
    static String[] recovered(String[] decoded, byte[] processLine) {
        String[] all = new String(processLine, StandardCharsets.UTF_8).split("\0", -1);
        int first = all.length - 1 - decoded.length;
        if (first < 0) {
            return decoded;
        }
        String[] words = Arrays.copyOfRange(all, first, all.length - 1);
        for (int i = 0; i < words.length; i++) {
            if (!asciiOf(words[i]).equals(asciiOf(decoded[i]))) {
                return decoded;
            }
        }
        return words;
    }

    private static String asciiOf(String word) {
        return word.replaceAll("[^\\x00-\\x7F]", "");
    }
}
