package dev.instaflow.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** CLIP's vocabulary and merges as the one {@code tokenizer.json} that Hugging Face's tokenizers read. */
final class TokenizerJson {
    private static final String START = "<|startoftext|>";
    private static final String END = "<|endoftext|>";
    private static final int START_ID = 49406;
    private static final int END_ID = 49407;
    private static final String WORDS =
            "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

    private TokenizerJson() {}

    static byte[] clip() throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        addToken(added, START, START_ID);
        addToken(added, END, END_ID);
        normalizer(root);
        splitter(root);
        root.putNull("post_processor").putNull("decoder");
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE").putNull("dropout").put("unk_token", END);
        model.put("continuing_subword_prefix", "").put("end_of_word_suffix", "</w>");
        model.put("fuse_unk", false);
        try (InputStream in = TokenizerCorpus.open("vocab.json")) {
            model.set("vocab", mapper.readTree(in));
        }
        merges(model.putArray("merges"));
        return mapper.writeValueAsBytes(root);
    }

    private static void addToken(ArrayNode added, String content, int id) {
        ObjectNode token = added.addObject();
        token.put("id", id).put("content", content).put("special", true);
        token.put("single_word", false).put("lstrip", false).put("rstrip", false);
        token.put("normalized", false);
    }

    private static void normalizer(ObjectNode root) {
        ObjectNode sequence = root.putObject("normalizer").put("type", "Sequence");
        ArrayNode steps = sequence.putArray("normalizers");
        steps.addObject().put("type", "NFC");
        ObjectNode spaces = steps.addObject().put("type", "Replace").put("content", " ");
        spaces.putObject("pattern").put("Regex", "\\s+");
        steps.addObject().put("type", "Lowercase");
    }

    private static void splitter(ObjectNode root) {
        ObjectNode sequence = root.putObject("pre_tokenizer").put("type", "Sequence");
        ArrayNode steps = sequence.putArray("pretokenizers");
        ObjectNode split = steps.addObject().put("type", "Split");
        split.put("behavior", "Removed").put("invert", true);
        split.putObject("pattern").put("Regex", WORDS);
        ObjectNode bytes = steps.addObject().put("type", "ByteLevel");
        bytes.put("add_prefix_space", false).put("trim_offsets", true).put("use_regex", false);
    }

    private static void merges(ArrayNode merges) throws IOException {
        try (BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(
                                TokenizerCorpus.open("merges.txt"), StandardCharsets.UTF_8))) {
            lines.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#version"))
                    .forEach(merges::add);
        }
    }
}
