package dev.instaflow.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.stream.StreamSupport;

/** Reads the original programs' files and results from the test resources. */
final class Fixtures {
    private Fixtures() {}

    static InputStream open(String name) {
        InputStream in = Fixtures.class.getResourceAsStream(name);
        if (in == null) {
            throw new AssertionError("no test resource " + name);
        }
        return in;
    }

    static byte[] bytes(String name) throws IOException {
        try (InputStream in = open(name)) {
            return in.readAllBytes();
        }
    }

    static JsonNode json(String name) throws IOException {
        try (InputStream in = open(name)) {
            return new ObjectMapper().readTree(in);
        }
    }

    static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToInt(JsonNode::intValue)
                .toArray();
    }

    static ClipTokenizer clip(TokenizerSettings settings) throws IOException {
        return load("clip", settings);
    }

    static ClipTokenizer tinyEmoji() throws IOException {
        return load("tiny-emoji", TokenizerSettings.tinyEmoji());
    }

    private static ClipTokenizer load(String folder, TokenizerSettings settings)
            throws IOException {
        try (InputStream vocab = open(folder + "/vocab.json");
                InputStream merges = open(folder + "/merges.txt")) {
            return ClipTokenizer.load(vocab, merges, settings);
        }
    }
}
