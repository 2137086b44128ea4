package dev.instaflow.checkpoint.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.FakeCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsLookupTest {
    @TempDir private Path folder;
    private final List<String> notes = new ArrayList<>();

    @Test
    void stableDiffusionHasItsOwnSettings() throws IOException {
        FakeCheckpoint sd = FakeCheckpoint.of(ArchitectureShapes.sd15().tensors());
        assertEquals(NetworkSettings.sd15(), settings(sd));
        assertEquals(
                List.of(
                        "heads of the U-Net: 8, as in Stable Diffusion 1.x",
                        "normalisation groups of the U-Net: 32, as in Stable Diffusion 1.x",
                        "normalisation groups of the VAE: 32, as in Stable Diffusion 1.x"),
                notes);
    }

    @Test
    void theCardBesideTheFileIsBelieved() throws IOException {
        String sizes =
                "\"unet\":{\"num_heads\":4,\"norm_groups\":32},\"text\":{\"heads\":4},\"vae\":{\"norm_groups\":8}";
        FakeCheckpoint emoji = FakeCheckpoint.fixture("tiny-emoji.names.json");
        emoji.at(folder.resolve("model.ckpt"));
        NetworkSettings expected = new NetworkSettings(4, 4, 32, 8, 1);

        Files.writeString(
                folder.resolve("card.json"), "{\"latentScale\":1.0,\"config\":{" + sizes + "}}");
        assertEquals(expected, settings(emoji));
        Files.writeString(folder.resolve("model.json"), "{\"scale_factor\":1.0," + sizes + "}");
        assertEquals(expected, settings(emoji));
        assertEquals(List.of(), notes);
    }

    @Test
    void settingsThatCannotBeRightAreRefused() {
        String message = refusal(FakeCheckpoint.fixture("tiny-emoji.names.json"));
        assertTrue(message.contains("normalisation groups of the VAE"), message);
        message = refusal(FakeCheckpoint.fixture("tiny-fp16.json"));
        assertTrue(message.contains("heads of the text encoder"), message);
    }

    @Test
    void numbersArePositive() {
        assertThrows(
                IllegalArgumentException.class, () -> new NetworkSettings(8, 0, 32, 32, 0.18215));
        assertThrows(
                IllegalArgumentException.class,
                () -> new NetworkSettings(8, 12, 32, 32, Double.NaN));
    }

    private String refusal(FakeCheckpoint checkpoint) {
        return assertThrows(CheckpointFormatException.class, () -> settings(checkpoint))
                .getMessage();
    }

    private NetworkSettings settings(FakeCheckpoint checkpoint) throws IOException {
        CompVisView view = CompVisView.of(checkpoint);
        return SettingsLookup.find(view, ArchitectureShapes.of(view), notes);
    }
}
