package dev.instaflow.checkpoint.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.storage.HeapCheckpoint;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small files against sums worked out by hand. */
class LoraFileTest {
    private static final String MATRIX =
            "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight";
    private static final String POINTWISE = "model.diffusion_model.middle_block.1.proj_in.weight";
    private static final String KERNEL = "model.diffusion_model.middle_block.0.in_layers.2.weight";
    private static final String KOHYA_MATRIX =
            "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    private static final String KOHYA_POINTWISE = "lora_unet_mid_block_attentions_0_proj_in";
    private static final String KOHYA_KERNEL = "lora_unet_mid_block_resnets_0_conv1";

    @TempDir Path folder;

    private static HeapCheckpoint model() {
        return HeapCheckpoint.of(
                List.of(
                        HeapEntry.ofFloats(MATRIX, List.of(2L, 3L), 1, 2, 3, 4, 5, 6),
                        HeapEntry.ofFloats(POINTWISE, List.of(2L, 2L, 1L, 1L), 1, 0, 0, 1),
                        HeapEntry.ofFloats(KERNEL, List.of(1L, 1L, 3L, 3L), new float[9]),
                        // Any tensor of the other half shows that this is a UNet.
                        HeapEntry.ofFloats(
                                "model.diffusion_model.output_blocks.0.0.emb_layers.1.bias",
                                List.of(1L),
                                7)),
                Map.of());
    }

    private LoraFile open(HandWritten file, UnknownKeys unknown) throws IOException {
        return LoraFile.open(
                file.write(folder.resolve("lora.safetensors")), LoraTargets.of(model()), unknown);
    }

    private static float[] values(Checkpoint checkpoint, String name) throws IOException {
        Entry entry = checkpoint.find(name).orElseThrow();
        float[] values = new float[(int) entry.count()];
        entry.readFloats(0, values, 0, values.length);
        return values;
    }

    private static HandWritten kohya() {
        return new HandWritten()
                .metadata("{\"ss_network_module\":\"networks.lora\"}")
                .tensor(KOHYA_MATRIX + ".lora_down.weight", List.of(2L, 3L), 1, 0, -1, 0, 2, 0)
                .tensor(KOHYA_MATRIX + ".lora_up.weight", List.of(2L, 2L), 1, 3, -2, 0.5f)
                .tensor(KOHYA_MATRIX + ".alpha", List.of(), 1)
                .tensor(KOHYA_POINTWISE + ".lora_down.weight", List.of(1L, 2L, 1L, 1L), 2, 3)
                .tensor(KOHYA_POINTWISE + ".lora_up.weight", List.of(2L, 1L, 1L, 1L), 5, 7)
                .tensor(
                        KOHYA_KERNEL + ".lora_down.weight",
                        List.of(1L, 1L, 3L, 3L),
                        1,
                        2,
                        3,
                        4,
                        5,
                        6,
                        7,
                        8,
                        9)
                .tensor(KOHYA_KERNEL + ".lora_up.weight", List.of(1L, 1L, 1L, 1L), 10)
                .tensor(KOHYA_KERNEL + ".alpha", List.of(), 0.5f);
    }

    @Test
    void changesAreAddedWithTheirScaleAndStrength() throws IOException {
        try (LoraView view = LoraView.of(model(), open(kohya(), UnknownKeys.REFUSE), 2)) {
            // 2 * 1/2 * [[1,3],[-2,0.5]] [[1,0,-1],[0,2,0]] = [[1,6,-1],[-2,1,2]]
            assertArrayEquals(new float[] {2, 8, 2, 2, 6, 8}, values(view, MATRIX));
            // No alpha: 2 * [[5],[7]] [[2,3]]
            assertArrayEquals(new float[] {21, 30, 28, 43}, values(view, POINTWISE));
            // 2 * 0.5/1 * 10 * down
            assertArrayEquals(
                    new float[] {10, 20, 30, 40, 50, 60, 70, 80, 90}, values(view, KERNEL));
            assertEquals(List.of(1L, 1L, 3L, 3L), view.find(KERNEL).orElseThrow().shape());
        }
    }

    @Test
    void piecesOfAWeightAreThoseOfTheWhole() throws IOException {
        try (LoraView view = LoraView.of(model(), open(kohya(), UnknownKeys.REFUSE), 1)) {
            Entry entry = view.find(MATRIX).orElseThrow();
            float[] whole = values(view, MATRIX);
            for (int first = 0; first < 6; first++) {
                for (int length = 0; first + length <= 6; length++) {
                    float[] piece = new float[length + 1];
                    entry.readFloats(first, piece, 1, length);
                    for (int i = 0; i < length; i++) {
                        assertEquals(whole[first + i], piece[1 + i]);
                    }
                }
            }
            byte[] bytes = new byte[24];
            entry.readBytes(0, bytes, 0, 6);
            assertEquals(DType.F32, entry.dtype());
            assertEquals(
                    whole[4], ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getFloat(16));
        }
    }

    @Test
    void negativeStrengthTakesAwayWhatWasAdded() throws IOException {
        try (LoraView added = LoraView.of(model(), open(kohya(), UnknownKeys.REFUSE), 0.5f);
                LoraView restored = LoraView.of(added, open(kohya(), UnknownKeys.REFUSE), -0.5f)) {
            // Small binary fractions, so that nothing is rounded.
            for (String name : List.of(MATRIX, POINTWISE, KERNEL)) {
                assertArrayEquals(values(model(), name), values(restored, name), name);
            }
        }
    }

    @Test
    void settingsOfPeftGiveAlpha() throws IOException {
        String module = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
        HandWritten file =
                new HandWritten()
                        .metadata(
                                "{\"lora_adapter_metadata\":\"{\\\"unet.r\\\":4,"
                                        + "\\\"unet.lora_alpha\\\":8,\\\"unet.alpha_pattern\\\":"
                                        + "{\\\"attn1.to_q\\\":12}}\"}")
                        .ones(module + ".lora_A.weight", 4, 3)
                        .ones(module + ".lora_B.weight", 2, 4)
                        .ones("unet.mid_block.attentions.0.proj_in.lora_A.weight", 4, 2, 1, 1)
                        .ones("unet.mid_block.attentions.0.proj_in.lora_B.weight", 2, 4, 1, 1);
        try (LoraFile lora = open(file, UnknownKeys.REFUSE)) {
            assertEquals(12, lora.modules().get(0).alpha());
            assertEquals(8, lora.modules().get(1).alpha());
            assertEquals(2, lora.modules().get(1).scale());
        }
    }

    @Test
    void unknownKeysAreListedOrIgnored() throws IOException {
        String lokr = KOHYA_POINTWISE + ".lokr_w1";
        HandWritten file = kohya().ones(lokr, 2, 2);
        CheckpointFormatException refused =
                assertThrows(CheckpointFormatException.class, () -> open(file, UnknownKeys.REFUSE));
        assertTrue(refused.getMessage().contains(lokr), refused.getMessage());
        assertTrue(refused.getMessage().contains("of its 9 tensors, 1 "), refused.getMessage());
        try (LoraFile lora = open(file, UnknownKeys.IGNORE)) {
            assertEquals(List.of(lokr), lora.ignored());
            assertEquals(3, lora.modules().size());
        }
    }

    @Test
    void fileWithoutALoraIsRefusedEvenIfKeysAreIgnored() {
        assertThrows(
                CheckpointFormatException.class,
                () -> open(new HandWritten().ones("x", 1), UnknownKeys.IGNORE));
    }

    @Test
    void changesOfAnotherSizeAreRefused() {
        HandWritten file =
                new HandWritten()
                        .ones(KOHYA_MATRIX + ".lora_down.weight", 2, 4)
                        .ones(KOHYA_MATRIX + ".lora_up.weight", 2, 2);
        CheckpointFormatException refused =
                assertThrows(CheckpointFormatException.class, () -> open(file, UnknownKeys.REFUSE));
        assertTrue(refused.getMessage().contains("[2, 4]"), refused.getMessage());
        assertTrue(refused.getMessage().contains(MATRIX), refused.getMessage());
    }

    @Test
    void halfOfAChangeIsRefused() {
        HandWritten file = new HandWritten().ones(KOHYA_MATRIX + ".lora_down.weight", 2, 3);
        CheckpointFormatException refused =
                assertThrows(CheckpointFormatException.class, () -> open(file, UnknownKeys.REFUSE));
        assertTrue(refused.getMessage().contains("has no up"), refused.getMessage());
    }

    @Test
    void filesAreWrittenAsKohyaDoes() throws IOException {
        Path written = folder.resolve("written.safetensors");
        try (LoraFile lora = open(kohya(), UnknownKeys.REFUSE)) {
            LoraTargets targets = LoraTargets.of(model());
            LoraWriter.write(written, LoraFormat.KOHYA, lora.modules(), targets, Map.of());
        }
        try (Checkpoint file = Checkpoint.open(written)) {
            assertEquals(9, file.entries().size());
            assertArrayEquals(
                    new float[] {1, 3, -2, 0.5f}, values(file, KOHYA_MATRIX + ".lora_up.weight"));
            assertArrayEquals(new float[] {1}, values(file, KOHYA_POINTWISE + ".alpha"));
            Entry up = file.find(KOHYA_KERNEL + ".lora_up.weight").orElseThrow();
            assertEquals(List.of(1L, 1L, 1L, 1L), up.shape());
            assertEquals("networks.lora", file.metadata().get("ss_network_module"));
            assertEquals("Dynamic", file.metadata().get("ss_network_dim"));
        }
    }

    @Test
    void filesForDiffusersCarryTheScaleInTheirUpMatrices() throws IOException {
        Path written = folder.resolve("written.safetensors");
        try (LoraFile lora = open(kohya(), UnknownKeys.REFUSE)) {
            LoraTargets targets = LoraTargets.of(model());
            LoraWriter.write(written, LoraFormat.DIFFUSERS, lora.modules(), targets, Map.of());
        }
        String module = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
        try (Checkpoint file = Checkpoint.open(written)) {
            assertEquals(6, file.entries().size());
            assertArrayEquals(
                    new float[] {1, 0, -1, 0, 2, 0}, values(file, module + ".lora_A.weight"));
            assertArrayEquals(
                    new float[] {0.5f, 1.5f, -1, 0.25f}, values(file, module + ".lora_B.weight"));
        }
    }
}
