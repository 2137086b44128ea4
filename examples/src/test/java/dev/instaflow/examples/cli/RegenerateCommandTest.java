package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.pipeline.ImageParameters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegenerateCommandTest {
    @TempDir Path folder;

    private String at(String name) {
        return folder.resolve(name).toString();
    }

    private CommandRun regenerate(String name) {
        return CommandRun.of("regenerate", at(name), "--out", at("again.png"));
    }

    private void generate(String... options) {
        String[] words = {"generate", "красное сердце", "--seed", "11"};
        String[] all = Arrays.copyOf(words, words.length + options.length);
        System.arraycopy(options, 0, all, words.length, options.length);
        CommandRun.of(all).succeeded();
    }

    /** Changes what an image remembers and leaves its pixels alone. */
    private void rewrite(String name, String from, String to) throws IOException {
        ImageFile image = ImageFile.read(folder.resolve(name));
        String json = image.text().get(ImageParameters.CHUNK);
        assertTrue(json.contains(from), json);
        Map<String, String> text = Map.of(ImageParameters.CHUNK, json.replace(from, to));
        ImageFile.writePng(folder.resolve(name), image.pixels(), text);
    }

    @Test
    void theSameFileComesOutAndIsCalledIdentical() throws IOException {
        generate("--noise-source", "java", "--steps", "2", "--force", "--out", at("a.png"));
        CommandRun run = regenerate("a.png");
        assertEquals(at("again.png"), run.succeeded());
        assertEquals("identical to " + at("a.png"), run.err().strip());
        assertArrayEquals(
                Files.readAllBytes(folder.resolve("a.png")),
                Files.readAllBytes(folder.resolve("again.png")));
    }

    @Test
    void imagesFromFilesComeOutAgain() throws IOException {
        generate("--out", at("start.png"));
        generate("--init-image", at("start.png"), "--mask", at("start.png"), "--out", at("a.png"));
        regenerate("a.png").succeeded();
    }

    @Test
    void aBatchOfGivenNoiseComesOutAgainOneByOne() throws IOException {
        generate("--noise", CommandRun.noiseOfTwoImages(folder), "--out", folder + "/");
        regenerate("красное-сердце-11.png").succeeded();
        regenerate("красное-сердце-12.png").succeeded();
    }

    /** Kohya's names for the bundled model's middle block: rank 1, every factor 0.1. */
    private void writeLora(String name) throws IOException {
        String module = "lora_unet_mid_block_attentions_0_proj_in";
        String header =
                ("{\"%1$s.lora_down.weight\":{\"dtype\":\"F32\",\"shape\":[1,128,1,1],"
                                + "\"data_offsets\":[0,512]},\"%1$s.lora_up.weight\":{\"dtype\":\"F32\","
                                + "\"shape\":[128,1,1,1],\"data_offsets\":[512,1024]}}")
                        .formatted(module);
        ByteBuffer bytes =
                ByteBuffer.allocate(8 + header.length() + 1024).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length()).put(header.getBytes(StandardCharsets.US_ASCII));
        while (bytes.hasRemaining()) {
            bytes.putFloat(0.1f);
        }
        Files.write(folder.resolve(name), bytes.array());
    }

    @Test
    void imagesOfALoraComeOutAgainWithItsStrength() throws IOException {
        writeLora("l.safetensors");
        generate("--out", at("plain.png"));
        generate("--lora", at("l.safetensors") + ":0", "--out", at("none.png"));
        generate("--lora", at("l.safetensors"), "--out", at("one.png"));
        generate("--lora", at("l.safetensors") + ":-0.5", "--out", at("a.png"));
        byte[] plain = ImageFile.read(folder.resolve("plain.png")).pixels().toBytes();
        assertArrayEquals(plain, ImageFile.read(folder.resolve("none.png")).pixels().toBytes());
        byte[] half = ImageFile.read(folder.resolve("a.png")).pixels().toBytes();
        assertFalse(Arrays.equals(plain, half));
        assertFalse(
                Arrays.equals(half, ImageFile.read(folder.resolve("one.png")).pixels().toBytes()));
        regenerate("a.png").succeeded();
        assertEquals(2, CommandRun.of("generate", "x", "--lora", at("missing")).exitCode());
    }

    @Test
    void otherPixelsAreCountedAndFail() throws IOException {
        generate("--out", at("a.png"));
        ImageFile image = ImageFile.read(folder.resolve("a.png"));
        byte[] bytes = image.pixels().toBytes();
        bytes[2] ^= 8;
        ImageFile.writePng(folder.resolve("a.png"), Pixels.of(64, 64, bytes), image.text());
        CommandRun run = regenerate("a.png");
        assertEquals(1, run.exitCode());
        assertTrue(run.err().contains("1 of 16384 values differ, by at most 8"), run.err());
        assertEquals(at("again.png"), run.out().strip());
    }

    @Test
    void changedInputsAreBadInput() throws IOException {
        generate("--out", at("start.png"));
        generate("--init-image", at("start.png"), "--out", at("a.png"));
        Files.write(
                folder.resolve("start.png"),
                new byte[] {1},
                java.nio.file.StandardOpenOption.APPEND);
        regenerate("a.png").failed(2, "start.png", "changed", "SHA-256");
        Files.delete(folder.resolve("start.png"));
        regenerate("a.png").failed(2, "start.png", "neither there nor beside");
    }

    @Test
    void inputsThatMovedWithTheImageAreFound() throws IOException {
        generate("--out", at("start.png"));
        generate("--init-image", at("start.png"), "--out", at("a.png"));
        Path moved = Files.createDirectory(folder.resolve("moved"));
        Files.move(folder.resolve("start.png"), moved.resolve("start.png"));
        Files.move(folder.resolve("a.png"), moved.resolve("a.png"));
        regenerate("moved/a.png").succeeded();
    }

    @Test
    void otherWeightsAreBadInput() throws IOException {
        generate("--out", at("a.png"));
        rewrite("a.png", "\"weightsSha256\":\"32d0011d", "\"weightsSha256\":\"00000000");
        regenerate("a.png").failed(2, "00000000", "32d0011d", "--model");
    }

    @Test
    void anotherCardIsBadInput() throws IOException {
        generate("--out", at("a.png"));
        rewrite("a.png", "\"emoji-onestep\"", "\"emoji-onestop\"");
        regenerate("a.png").failed(2, "emoji-onestep", "emoji-onestop", "--card");
    }

    @Test
    void anotherVersionAndDeviceArePointedOut() throws IOException {
        generate("--out", at("a.png"));
        rewrite("a.png", "\"version\":\"", "\"version\":\"0.0.7-");
        rewrite("a.png", "\"backend\":\"", "\"backend\":\"abacus ");
        CommandRun run = regenerate("a.png");
        run.succeeded();
        assertTrue(run.err().contains("warning: made by version 0.0.7-"), run.err());
        assertTrue(run.err().contains("warning: made on abacus "), run.err());
    }

    @Test
    void imagesOfOthersAreBadInput() throws IOException {
        ImageFile.writePng(folder.resolve("a.png"), Pixels.of(1, 1, new byte[3]), Map.of());
        regenerate("a.png").failed(2, "a.png", "no parameters");
        Files.writeString(folder.resolve("b.png"), "hello");
        regenerate("b.png").failed(2, "b.png", "not an image");
        ImageFile.writePng(
                folder.resolve("c.png"),
                Pixels.of(1, 1, new byte[3]),
                Map.of(ImageParameters.CHUNK, "{\"prompt\":\"x\"}"));
        regenerate("c.png").failed(2, "c.png", "negativePrompt");
    }

    @Test
    void aModelOnDiskIsFoundAgainWithItsCard() throws IOException {
        Path model = folder.resolve("tiny.ckpt");
        Files.copy(CommandRun.fixture("tiny-fp16.ckpt"), model);
        Files.copy(CommandRun.tinyYaml(), folder.resolve("tiny.yaml"));
        CommandRun run =
                CommandRun.of(
                        "generate",
                        "a cat",
                        "--model",
                        model.toString(),
                        "--card",
                        "instaflow",
                        "--width",
                        "128",
                        "--height",
                        "128",
                        "--out",
                        at("a.png"));
        run.succeeded();
        regenerate("a.png").succeeded();
        Files.delete(model);
        regenerate("a.png").failed(2, "tiny.ckpt");
    }
}
