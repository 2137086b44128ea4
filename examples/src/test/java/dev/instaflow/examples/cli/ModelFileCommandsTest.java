package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code inspect} and {@code convert}. */
class ModelFileCommandsTest {
    @TempDir Path folder;

    @Test
    void inspectSaysWhatAModelIs() {
        String text =
                CommandRun.of("inspect", CommandRun.fixture("tiny-fp16.ckpt").toString())
                        .succeeded();
        assertTrue(text.contains("Stable Diffusion 1.x layout"), text);
        assertTrue(text.contains("model.diffusion_model.middle_block"), text);
    }

    @Test
    void inspectAsJsonCountsTensorsAndChecksums() throws IOException {
        Path file = CommandRun.fixture("unet64-fp16.ckpt");
        String text = CommandRun.of("inspect", file.toString(), "--json", "--sha256").succeeded();
        JsonNode json = new ObjectMapper().readTree(text);
        assertEquals("CKPT_ZIP", json.get("file").asText());
        assertEquals("UNET_ONLY", json.get("kind").asText());
        assertEquals(168, json.get("total").get("tensors").asInt());
        assertEquals(64, json.get("sha256").elements().next().asText().length());
    }

    @Test
    void inspectOfSomethingElseExplainsItAndIsBadInput() throws IOException {
        Path page = Files.writeString(folder.resolve("model.ckpt"), "<!DOCTYPE html><html></html>");
        CommandRun run = CommandRun.of("inspect", page.toString());
        assertEquals(2, run.exitCode());
        assertTrue(run.out().contains("an HTML page"), run.out());
    }

    @Test
    void convertedFileHasTheSameValues() throws IOException {
        Path original = CommandRun.fixture("unet64-fp16.ckpt");
        Path wide = folder.resolve("wide.safetensors");
        Path back = folder.resolve("back.ckpt");
        CommandRun.of("convert", original.toString(), wide.toString(), "--dtype", "f32")
                .succeeded();
        assertEquals(
                back.toString(),
                CommandRun.of("convert", wide.toString(), back.toString(), "--dtype", "f16")
                        .succeeded());
        try (Checkpoint before = Checkpoint.open(original);
                Checkpoint middle = Checkpoint.open(wide);
                Checkpoint after = Checkpoint.open(back)) {
            assertEquals(before.entries().size(), after.entries().size());
            for (Entry entry : before.entries()) {
                assertEquals(DType.F32, middle.find(entry.name()).orElseThrow().dtype());
                Entry again = after.find(entry.name()).orElseThrow();
                assertEquals(entry.dtype(), again.dtype());
                assertEquals(entry.shape(), again.shape());
                assertArrayEquals(bytes(entry), bytes(again), entry.name());
            }
        }
    }

    private static byte[] bytes(Entry entry) throws IOException {
        byte[] bytes = new byte[Math.toIntExact(entry.sizeBytes())];
        entry.readBytes(0, bytes, 0, Math.toIntExact(entry.count()));
        return bytes;
    }

    @Test
    void convertReadsTheSizesThatTensorsDoNotTellFromYaml() throws IOException {
        Path model = Files.copy(CommandRun.fixture("tiny-fp16.ckpt"), folder.resolve("tiny.ckpt"));
        String out = folder.resolve("diffusers").toString();
        CommandRun.of("convert", model.toString(), out).failed(2, "tiny.ckpt");
        String yaml = CommandRun.tinyYaml().toString();
        CommandRun.of("convert", model.toString(), out, "--config", yaml).succeeded();
        Files.copy(CommandRun.tinyYaml(), folder.resolve("tiny.yaml"));
        CommandRun.of("convert", model.toString(), out + "2").succeeded();
    }

    @Test
    void convertNeverReplacesUnlessAsked() throws IOException {
        String original = CommandRun.fixture("unet64-fp16.ckpt").toString();
        Path out = Files.writeString(folder.resolve("mine.safetensors"), "mine");
        CommandRun.of("convert", original, out.toString()).failed(2, "mine.safetensors", "exists");
        assertEquals("mine", Files.readString(out));
        CommandRun.of("convert", original, out.toString(), "--overwrite").succeeded();
        assertTrue(Files.size(out) > 1_000_000);
    }

    @Test
    void formatIsTakenFromTheOptionOrTheEnding() throws IOException {
        String original = CommandRun.fixture("unet64-fp16.ckpt").toString();
        CommandRun.of("convert", original, folder.resolve("a.zzz").toString()).failed(2, "ending");
        Path out = folder.resolve("b.zzz");
        CommandRun.of("convert", original, out.toString(), "--format", "safetensors").succeeded();
        assertTrue(CommandRun.of("inspect", out.toString()).succeeded().contains(".safetensors"));
    }

    @Test
    void averagedWeightsThatAreNotThereAreBadInput() {
        CommandRun.of(
                        "convert",
                        CommandRun.fixture("unet64-fp16.ckpt").toString(),
                        folder.resolve("x.ckpt").toString(),
                        "--ema")
                .failed(2, "unet64-fp16.ckpt");
    }
}
