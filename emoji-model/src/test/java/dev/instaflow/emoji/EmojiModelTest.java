package dev.instaflow.emoji;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The jar holds what its README lists, and the pieces belong together. */
class EmojiModelTest {
    private static final String MODEL = "/dev/instaflow/emoji/";
    private static final String GOLDEN = "/golden/";

    /** The size of the training split of the core set. */
    private static final int CAPTIONS = 254;

    /** One byte a symbol, twice (with and without the end-of-word mark), and the two special tokens. */
    private static final int VOCABULARY_BEYOND_MERGES = 2 * 256 + 2;

    @ParameterizedTest
    @ValueSource(strings = {"model.ckpt", "card.json", "vocab.json", "merges.txt", "captions.json"})
    void everyListedResourceIsThereAndNotEmpty(String name) throws IOException {
        assertTrue(read(MODEL + name).length > 0, name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Apache-2.0.txt",
                "MIT-emojibase.txt",
                "MIT-emoji-datasource.txt",
                "Unicode-3.0.txt"
            })
    void everyLicenceTextIsInTheJar(String name) throws IOException {
        String text = new String(read("/META-INF/licenses/" + name), StandardCharsets.UTF_8);
        assertTrue(text.contains("Copyright") || text.contains("COPYRIGHT"), name);
    }

    @Test
    void checkpointHasTheChecksumOfTheCard() throws IOException, NoSuchAlgorithmException {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(read(MODEL + "model.ckpt"));
        assertEquals(card().get("sha256").asText(), HexFormat.of().formatHex(digest));
    }

    @Test
    void cardAllowsOneStepWithoutGuidance() throws IOException {
        JsonNode card = card();
        for (String bound : new String[] {"min", "max", "default"}) {
            assertEquals(1, card.at("/allowedSteps/" + bound).asInt(), bound);
        }
        assertEquals(0.0, card.at("/guidance/default").asDouble());
        assertEquals(1.0, card.at("/guidance/max").asDouble());
        assertFalse(card.get("negativePrompt").asBoolean(true));
        assertEquals("flow", card.get("prediction").asText());
        assertEquals("instaflow", card.get("timeLabel").asText());
    }

    @Test
    void networksOfTheCardFitTogether() throws IOException {
        JsonNode config = card().get("config");
        assertEquals(
                config.at("/unet/in_channels").asInt(),
                config.at("/vae/z_channels").asInt(),
                "latent channels");
        assertEquals(
                config.at("/unet/context_dim").asInt(),
                config.at("/text/width").asInt(),
                "text width");
        assertEquals(
                card().at("/tokenizer/maxLength").asInt(),
                config.at("/text/max_length").asInt(),
                "tokens");
        assertEquals(4, config.at("/vae/out_ch").asInt(), "RGBA");
    }

    @Test
    void vocabularyHasTheSizeOfTheCardAndOneIdForEachPiece() throws IOException {
        JsonNode vocabulary = json(MODEL + "vocab.json");
        int size = card().at("/config/text/vocab_size").asInt();
        assertEquals(size, vocabulary.size());
        Set<Integer> ids =
                StreamSupport.stream(vocabulary.spliterator(), false)
                        .map(JsonNode::asInt)
                        .collect(Collectors.toSet());
        assertEquals(size, ids.size());
        assertTrue(ids.stream().allMatch(id -> id >= 0 && id < size), "ids within 0.." + size);
        assertEquals(size - VOCABULARY_BEYOND_MERGES, merges().length);
    }

    @Test
    void everyMergeMakesAPieceOfTheVocabulary() throws IOException {
        JsonNode vocabulary = json(MODEL + "vocab.json");
        for (String merge : merges()) {
            assertTrue(vocabulary.has(merge.replace(" ", "")), merge);
        }
    }

    @Test
    void captionsAreUniqueAndNotEmpty() throws IOException {
        JsonNode captions = json(MODEL + card().get("captions").asText()).get("captions");
        assertEquals(CAPTIONS, captions.size());
        Set<String> texts = new HashSet<>();
        Set<String> emoji = new HashSet<>();
        for (JsonNode caption : captions) {
            String text = caption.get("text").asText();
            assertFalse(text.isBlank(), caption::toString);
            assertEquals(text.strip(), text);
            assertTrue(texts.add(text), "twice: " + text);
            assertTrue(emoji.add(caption.get("emoji").asText()), "twice: " + caption);
        }
    }

    @Test
    void everyCaptionsEmojiIsSpelledByItsCodePoints() throws IOException {
        for (JsonNode caption : json(MODEL + "captions.json").get("captions")) {
            // A trailing U+FE0F only asks for the colourful form; the code points leave it out.
            String spelled =
                    caption.get("emoji")
                            .asText()
                            .codePoints()
                            .filter(point -> point != 0xFE0F)
                            .mapToObj(point -> String.format("%04X", point))
                            .collect(Collectors.joining("-"));
            assertEquals(caption.get("hexcode").asText(), spelled);
        }
    }

    @Test
    void everyGoldenArrayHasTheShapeThatTheIndexStates() throws IOException {
        JsonNode config = card().get("config");
        int tokens = config.at("/text/max_length").asInt();
        JsonNode items = json(GOLDEN + "golden.json").get("items");
        assertEquals(6, items.size());
        for (JsonNode item : items) {
            String prefix = GOLDEN + item.get("i").asInt() + "_";
            assertEquals(tokens, item.get("token_ids").size(), prefix);
            assertNpyHas(prefix + "noise.npy", 1, 16, 8, 8);
            assertNpyHas(prefix + "hidden.npy", 1, tokens, 128);
            assertNpyHas(prefix + "velocity.npy", 1, 16, 8, 8);
            assertNpyHas(prefix + "latent.npy", 1, 16, 8, 8);
            assertNpyHas(prefix + "decoded.npy", 1, 4, 64, 64);
            assertNpyHas(prefix + "latent_4step_cfg1.5.npy", 1, 16, 8, 8);
            byte[] png = read(prefix + "rgba.png");
            assertArrayEquals(
                    new byte[] {(byte) 0x89, 'P', 'N', 'G'}, Arrays.copyOf(png, 4), prefix);
        }
        assertNpyHas(GOLDEN + "enc_input.npy", 1, 4, 64, 64);
        assertNpyHas(GOLDEN + "enc_mean.npy", 1, 16, 8, 8);
        assertNpyHas(GOLDEN + "enc_logvar.npy", 1, 16, 8, 8);
    }

    @Test
    void goldenLatentIsNoisePlusVelocity() throws IOException {
        for (int i = 0; i < 6; i++) {
            float[] noise = floats(GOLDEN + i + "_noise.npy");
            float[] velocity = floats(GOLDEN + i + "_velocity.npy");
            float[] latent = floats(GOLDEN + i + "_latent.npy");
            for (int k = 0; k < latent.length; k++) {
                // The original computed one float sum; Java's is the same operation.
                assertEquals(noise[k] + velocity[k], latent[k], "item " + i + " element " + k);
            }
        }
    }

    private static JsonNode card() throws IOException {
        return json(MODEL + "card.json");
    }

    private static String[] merges() throws IOException {
        String text = new String(read(MODEL + "merges.txt"), StandardCharsets.UTF_8);
        return text.lines().skip(1).filter(line -> !line.isBlank()).toArray(String[]::new);
    }

    private static JsonNode json(String resource) throws IOException {
        return new ObjectMapper().readTree(read(resource));
    }

    private static byte[] read(String resource) throws IOException {
        try (InputStream in = EmojiModelTest.class.getResourceAsStream(resource)) {
            assertNotNull(in, resource + " is not in the jar");
            return in.readAllBytes();
        }
    }

    private static void assertNpyHas(String resource, int... shape) throws IOException {
        byte[] file = read(resource);
        String header = new String(file, 10, dataOffset(file) - 10, StandardCharsets.US_ASCII);
        String dims =
                Arrays.stream(shape).mapToObj(String::valueOf).collect(Collectors.joining(", "));
        assertTrue(header.contains("'descr': '<f4'"), resource + ": " + header);
        assertTrue(header.contains("'shape': (" + dims + ")"), resource + ": " + header);
        int count = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        assertEquals(count, floats(resource).length, resource);
    }

    private static float[] floats(String resource) throws IOException {
        byte[] file = read(resource);
        int offset = dataOffset(file);
        float[] values = new float[(file.length - offset) / Float.BYTES];
        ByteBuffer.wrap(file, offset, file.length - offset)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(values);
        return values;
    }

    /** Format 1.0: magic and version in 8 bytes, the header's length in 2, the header. */
    private static int dataOffset(byte[] npy) {
        return 10
                + Short.toUnsignedInt(
                        ByteBuffer.wrap(npy, 8, 2).order(ByteOrder.LITTLE_ENDIAN).getShort());
    }
}
