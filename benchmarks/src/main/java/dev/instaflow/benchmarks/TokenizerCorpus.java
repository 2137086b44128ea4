package dev.instaflow.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.tokenizer.TokenizerSettings;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** CLIP's vocabulary and the strings that its original tokenizer was run on. */
final class TokenizerCorpus {
    private static final String FOLDER = "/dev/instaflow/tokenizer/clip/";

    /** A prompt of usual length. */
    static final String PROMPT = "a photo of an astronaut riding a horse on mars";

    /**
     * One string of the oracle.
     *
     * @param text any language
     * @param ids of the original tokenizer, without start and end
     */
    record Case(String text, int[] ids) {}

    private TokenizerCorpus() {}

    static InputStream open(String file) throws IOException {
        InputStream in = TokenizerCorpus.class.getResourceAsStream(FOLDER + file);
        if (in == null) {
            throw new FileNotFoundException(FOLDER + file + " is not in this jar");
        }
        return in;
    }

    static ClipTokenizer tokenizer() throws IOException {
        try (InputStream vocabulary = open("vocab.json");
                InputStream merges = open("merges.txt")) {
            return ClipTokenizer.load(vocabulary, merges, TokenizerSettings.clip());
        }
    }

    static List<Case> cases() throws IOException {
        try (InputStream in = open("cases.json")) {
            List<Case> cases = new ArrayList<>();
            for (JsonNode node : new ObjectMapper().readTree(in).get("cases")) {
                List<Integer> ids = new ArrayList<>();
                node.get("ids").forEach(id -> ids.add(id.asInt()));
                int[] array = ids.stream().mapToInt(Integer::intValue).toArray();
                cases.add(new Case(node.get("text").asText(), array));
            }
            return cases;
        }
    }
}
