package dev.instaflow.checkpoint.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.checkpoint.FileKind;
import dev.instaflow.checkpoint.Fixtures;
import dev.instaflow.checkpoint.convert.Conversion;
import dev.instaflow.checkpoint.convert.Converter;
import dev.instaflow.checkpoint.convert.NetworkSettings;
import dev.instaflow.checkpoint.layout.ModelKind;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InspectionTest {
    private static final Path TINY = Fixtures.path("tiny-fp16.ckpt");

    @TempDir private Path folder;

    @Test
    void aWholeModelIsDescribed() throws IOException {
        Inspection inspection = Inspection.of(TINY);
        assertTrue(inspection.isWhole());
        assertEquals(6_863_819, inspection.bytes());
        String text = inspection.text();
        for (String line :
                List.of(
                        "  model     Stable Diffusion 1.x layout (InstaFlow's tensors look the same)",
                        "  parts     unet, vae, text_encoder",
                        "  unet      4 -> 4 channels, width 32 x [1, 1, 1, 2], 2 res blocks, attention on levels [0, 1, 2], text width 16",
                        "  vae       3 -> 3 channels, 4 latent channels, factor 8, width 32 x [1, 1, 1, 2], 1 res blocks",
                        "  text      77 tokens of 49408 words, width 16, 3 layers",
                        "  EMA       none",
                        "  names     all 916 tensors are there",
                        "  metadata  global_step = 470000")) {
            assertTrue(text.lines().anyMatch(line::equals), line + "\n" + text);
        }
        assertTrue(text.contains("928 F16, 1 I64"), text);
        assertTrue(
                text.lines()
                        .anyMatch(
                                l ->
                                        l.matches(
                                                " +36 .* F16 +model.diffusion_model.input_blocks.1")),
                text);
    }

    @Test
    void theJsonSaysTheSame() throws IOException {
        JsonNode json = parsed(Inspection.of(TINY));
        assertEquals("CKPT_ZIP", json.get("file").asText());
        assertEquals("STABLE_DIFFUSION_1", json.get("kind").asText());
        assertTrue(json.get("whole").asBoolean());
        assertEquals("[\"unet\",\"vae\",\"text_encoder\"]", json.get("parts").toString());
        assertEquals(929, json.at("/total/tensors").asInt());
        assertEquals("[1,1,1,2]", json.at("/sizes/unet/channelMult").toString());
        assertEquals(16, json.at("/sizes/text_encoder/width").asInt());
        assertEquals(916, json.at("/names/expected").asInt());
        assertEquals("[]", json.at("/names/missing").toString());
        assertEquals(512, json.at("/memory/width").asInt());
        assertEquals(470000, json.at("/metadata/global_step").asInt());
        assertFalse(json.has("problem"));
    }

    /** The checksum is what sha256sum prints for the original file. */
    @Test
    void checksumsAreThoseOfTheFile() throws IOException {
        Inspection inspection = Inspection.of(TINY, 64, 96, Inspection.Checksums.SHA256);
        String expected = "3c0de4e29914f1de59a5e75d8c78f83717d15ae1dcdbe487c700eba8e60cbf11";
        assertEquals(Map.of(TINY, expected), inspection.sha256());
        assertTrue(inspection.text().contains(expected + "  tiny-fp16.ckpt"));
        assertEquals(96, inspection.json().at("/memory/height").asInt());
    }

    @Test
    void aFolderIsInspectedLikeAFile() throws IOException {
        Path model = folder.resolve("instaflow");
        Converter.convert(
                Conversion.of(TINY, model)
                        .withSettings(new NetworkSettings(8, 4, 32, 32, 0.18215)));
        Inspection inspection = Inspection.of(model, 512, 512, Inspection.Checksums.SHA256);
        assertEquals(FileKind.DIFFUSERS_FOLDER, inspection.file().kind());
        assertEquals(3, inspection.sha256().size());
        ModelContents contents = inspection.contents().orElseThrow();
        assertEquals(ModelKind.INSTAFLOW, contents.identity().kind());
        assertTrue(inspection.isWhole());
        assertEquals(
                "model.diffusion_model.input_blocks.0",
                contents.blocks().stream()
                        .map(BlockSummary::name)
                        .filter(name -> name.endsWith("input_blocks.0"))
                        .findFirst()
                        .orElseThrow());
    }

    @ParameterizedTest
    @CsvSource({
        "n01-empty.ckpt, EMPTY",
        "n03-lfs-pointer.ckpt, GIT_LFS_POINTER",
        "n04-html.ckpt, HTML_PAGE",
        "n05-png.ckpt, NOT_A_CHECKPOINT",
        "z02-truncated-half.ckpt, TRUNCATED",
    })
    void filesThatAreNoModelAreExplained(String name, FileKind kind) throws IOException {
        Inspection inspection = Inspection.of(Fixtures.path("hostile/" + name));
        assertEquals(kind, inspection.file().kind());
        assertFalse(inspection.isWhole());
        assertTrue(inspection.contents().isEmpty());
        String problem = inspection.problem().orElseThrow();
        assertTrue(inspection.text().contains("  problem   " + problem), inspection.text());
        assertEquals(problem, parsed(inspection).get("problem").asText());
    }

    @Test
    void damageInsideIsAProblemToo() throws IOException {
        Inspection inspection = Inspection.of(Fixtures.path("hostile/x01-os-system-reduce.ckpt"));
        assertEquals(FileKind.CKPT_ZIP, inspection.file().kind());
        assertTrue(inspection.problem().isPresent());
    }

    /** Whatever is in a file, inspecting it tells; only a file that cannot be read is an error. */
    @ParameterizedTest
    @ValueSource(strings = {"formats", "hostile"})
    void noFileOfTheOracleMakesAnInspectionFail(String name) throws IOException {
        int inspected = 0;
        try (Stream<Path> files = Files.list(Fixtures.path(name))) {
            for (Path file : files.toList()) {
                Inspection inspection = Inspection.of(file);
                assertTrue(
                        inspection.contents().isPresent() != inspection.problem().isPresent(),
                        file.toString());
                assertTrue(inspection.text().codePoints().noneMatch(c -> c < ' ' && c != '\n'));
                assertTrue(parsed(inspection).has("file"));
                inspected++;
            }
        }
        assertTrue(inspected > 20);
    }

    @Test
    void aLoraIsNamedAndNotChecked() throws IOException {
        Path lora = folder.resolve("lora.safetensors");
        SafetensorsWriter.write(
                lora,
                List.of(
                        HeapEntry.ofFloats("lora_unet_x.lora_up.weight", List.of(2L, 1L), 1, 2),
                        HeapEntry.ofFloats("lora_unet_x.lora_down.weight", List.of(1L, 2L), 1, 2)),
                Map.of("ss_\u001b[31mred", "x"));
        Inspection inspection = Inspection.of(lora);
        assertEquals(ModelKind.LORA, inspection.contents().orElseThrow().identity().kind());
        assertFalse(inspection.isWhole());
        String text = inspection.text();
        assertTrue(text.contains("  names     not checked"), text);
        assertTrue(text.contains("  parts     none (not in it: unet, vae, text_encoder)"), text);
        assertFalse(text.contains("memory"), text);
        assertEquals(-1, text.indexOf('\u001b'), text);
    }

    @Test
    void aDamagedPartIsComparedWithStableDiffusion() throws IOException {
        Path stump = folder.resolve("stump.safetensors");
        String name = "first_stage_model.decoder.conv_in.weight";
        SafetensorsWriter.write(
                stump, List.of(HeapEntry.ofFloats(name, List.of(1L, 1L, 1L, 1L), 0)), Map.of());
        Inspection inspection = Inspection.of(stump);
        assertFalse(inspection.isWhole());
        String text = inspection.text();
        assertTrue(text.contains("247 of 248 missing, 0 unexpected, 1 of another shape"), text);
        assertTrue(text.contains("  note      the sizes of the vae cannot be read off"), text);
        assertEquals(247, inspection.json().at("/names/missing").size());
        assertEquals(
                "[512,4,3,3]", inspection.json().at("/names/otherShape/0/expected").toString());
    }

    @Test
    void memoryIsThatOfTheImagesOnTheCard() throws IOException {
        Path model = Files.copy(TINY, folder.resolve("m.ckpt"));
        Files.writeString(folder.resolve("card.json"), "{\"imageSize\":[96,64]}");
        MemoryEstimate memory = Inspection.of(model).contents().orElseThrow().memory();
        assertEquals(List.of(64, 96), List.of(memory.width(), memory.height()));
        Files.writeString(folder.resolve("card.json"), "{\"imageSize\":[-1,64]}");
        memory = Inspection.of(model).contents().orElseThrow().memory();
        assertEquals(512, memory.height());
    }

    @Test
    void whatDoesNotExistIsAnError() {
        assertThrows(NoSuchFileException.class, () -> Inspection.of(folder.resolve("none.ckpt")));
    }

    @Test
    void sizesHaveThreeDigits() {
        assertEquals("1023 B", InspectionText.size(1023));
        assertEquals("6.55 MiB", InspectionText.size(6_863_819));
        assertEquals("3.97 GiB", InspectionText.size(4_264_941_228L));
        assertEquals("8.00 EiB", InspectionText.size(Long.MAX_VALUE));
    }

    private static JsonNode parsed(Inspection inspection) throws IOException {
        return new ObjectMapper().readTree(inspection.json().toString());
    }
}
