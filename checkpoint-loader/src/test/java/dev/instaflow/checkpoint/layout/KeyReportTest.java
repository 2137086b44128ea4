package dev.instaflow.checkpoint.layout;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.CheckpointFormatException;
import java.util.List;
import org.junit.jupiter.api.Test;

class KeyReportTest {
    private static final ArchitectureShapes SD15 = ArchitectureShapes.sd15();

    @Test
    void buffersAndOtherWeightSetsAreNoDifference() {
        FakeCheckpoint tiny = FakeCheckpoint.fixture("tiny.names.json");
        tiny.add("logvar", 1000L)
                .add("cond_stage_model.logit_scale")
                .add("cond_stage_model.transformer.text_projection.weight", 16L, 16L)
                .add("first_stage_model.loss.discriminator.main.0.weight", 1L)
                .add("safety_checker.vision_model.post_layernorm.bias", 1L);
        KeyReport report = KeyReport.compare(ArchitectureShapes.of(tiny).tensors(), tiny);
        assertTrue(report.fits(), report::text);
        assertDoesNotThrow(() -> report.requireFit(tiny));
    }

    @Test
    void aMissingPartIsOneLine() {
        FakeCheckpoint noUnet = FakeCheckpoint.of(SD15.tensors());
        UNetShape.sd15().tensors().forEach(spec -> noUnet.remove(spec.name()));
        noUnet.add("colour.a.weight", 1L).add("colour.a.bias", 1L);
        KeyReport report = KeyReport.compare(SD15.tensors(), noUnet);
        assertEquals(
                """
                686 of 1130 missing, 2 unexpected, 0 of another shape
                missing:
                  model.diffusion_model.* (the whole unet) (686): \
                model.diffusion_model.time_embed.0.weight, \
                model.diffusion_model.time_embed.0.bias, \
                model.diffusion_model.time_embed.2.weight, and 683 more
                unexpected:
                  colour.a (2): weight, bias""",
                report.text());
    }

    @Test
    void scatteredLossesAreGroupedByBlock() {
        FakeCheckpoint few = FakeCheckpoint.of(SD15.tensors());
        UNetShape.sd15()
                .tensors()
                .forEach(
                        spec -> {
                            if (!spec.name().endsWith("time_embed.0.weight")) {
                                few.remove(spec.name());
                            }
                        });
        String text = KeyReport.compare(SD15.tensors(), few).text();
        assertEquals(2 + 27, text.lines().count(), text);
        assertTrue(text.contains("\n  model.diffusion_model.input_blocks.4 (38): "), text);
        assertTrue(text.contains("\n  model.diffusion_model.time_embed (3): 0.bias, "), text);
    }

    @Test
    void otherShapesSayBoth() {
        FakeCheckpoint tiny = FakeCheckpoint.fixture("tiny-fp16.json");
        List<TensorSpec> expected = ArchitectureShapes.of(tiny).tensors();
        String name = "first_stage_model.decoder.conv_out.weight";
        tiny.remove(name).add(name, 4L, 32L, 3L, 3L);
        KeyReport report = KeyReport.compare(expected, tiny);
        assertEquals(
                "0 of 916 missing, 0 unexpected, 1 of another shape\nof another shape:\n"
                        + "  first_stage_model.decoder (1):"
                        + " conv_out.weight expected [3, 32, 3, 3] found [4, 32, 3, 3]",
                report.text());
        String message =
                assertThrows(CheckpointFormatException.class, () -> report.requireFit(tiny))
                        .getMessage();
        assertTrue(message.startsWith("fake.ckpt: the tensors do not fit the model: 0 of 916"));
    }

    @Test
    void onePartDoesNotLookAtTheOthers() {
        FakeCheckpoint sd = FakeCheckpoint.of(SD15.tensors());
        sd.add("first_stage_model.colour.weight", 1L);
        List<TensorSpec> unet = UNetShape.sd15().tensors();
        assertTrue(KeyReport.comparePart(ModelPart.UNET, unet, sd).fits());
        List<TensorSpec> vae = VaeShape.sd15().tensors();
        assertEquals(1, KeyReport.comparePart(ModelPart.VAE, vae, sd).unexpected().size());
    }

    @Test
    void namesCannotDriveTheTerminal() {
        FakeCheckpoint sly = new FakeCheckpoint().add("\u001b[2Jgone", 1L).add("a".repeat(999), 1L);
        String text = KeyReport.compare(List.of(), sly).text();
        assertTrue(text.contains("\\u001b[2Jgone"), text);
        assertTrue(text.length() < 800, text);
    }
}
