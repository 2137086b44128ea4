package dev.instaflow.checkpoint.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelIdentityTest {
    @Test
    void stableDiffusion1SaysThatItCouldBeInstaFlow() throws IOException {
        ModelIdentity identity = identity(FakeCheckpoint.fixture("tiny.names.json"));
        assertEquals(ModelKind.STABLE_DIFFUSION_1, identity.kind());
        assertTrue(identity.hasEma());
        assertEquals(
                List.of(
                        "the tensors do not tell Stable Diffusion 1.x and InstaFlow apart: nothing says flow"),
                identity.reasons());
        assertTrue(identity.kind().description().contains("InstaFlow's tensors look the same"));
        assertFalse(identity(FakeCheckpoint.fixture("tiny-fp16.json")).hasEma());
    }

    @ParameterizedTest
    @CsvSource({
        "_class_name, RectifiedFlowPipeline, true",
        "scheduler._class_name, FlowMatchEulerDiscreteScheduler, true",
        "modelspec.title, InstaFlow 0.9B, true",
        "_class_name, StableDiffusionPipeline, false",
        "scheduler._class_name, PNDMScheduler, false",
    })
    void metadataTellsAFlow(String key, String value, boolean flow) throws IOException {
        FakeCheckpoint tiny = FakeCheckpoint.fixture("tiny-fp16.json").putMetadata(key, value);
        ModelIdentity identity = identity(tiny);
        assertEquals(flow ? ModelKind.INSTAFLOW : ModelKind.STABLE_DIFFUSION_1, identity.kind());
        assertEquals(flow, identity.reasons().contains("%s is \"%s\"".formatted(key, value)));
    }

    @ParameterizedTest
    @CsvSource({
        "instaflow_0_9B.ckpt, true",
        "2-rf-25steps.ckpt, true",
        "2_rectified_flow_from_sd_1_5.ckpt, true",
        "v1-5-pruned-emaonly.ckpt, false",
        "surf.ckpt, false",
    })
    void theNameOfTheFileIsTheWeakestSign(String name, boolean flow) throws IOException {
        FakeCheckpoint tiny = FakeCheckpoint.fixture("tiny-fp16.json").at(Path.of(name));
        assertEquals(
                flow ? ModelKind.INSTAFLOW : ModelKind.STABLE_DIFFUSION_1, identity(tiny).kind());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "m.json | {\"prediction\":\"flow\"} | true",
                "card.json | {\"prediction\":\"flow\"} | true",
                "m.json | {\"parameterization\":\"rectified-flow velocity\"} | true",
                "m.json | {\"prediction\":\"epsilon\"} | false",
                "m.json | [1 | false",
                "other.json | {\"prediction\":\"flow\"} | false",
            })
    void theCardBesideTheFileTellsAFlow(
            String name, String json, boolean flow, @TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve(name), json);
        FakeCheckpoint tiny = FakeCheckpoint.fixture("tiny-fp16.json").at(folder.resolve("m.ckpt"));
        assertEquals(
                flow ? ModelKind.INSTAFLOW : ModelKind.STABLE_DIFFUSION_1, identity(tiny).kind());
    }

    @Test
    void onePartIsNamed() throws IOException {
        assertKind(ModelKind.UNET_ONLY, FakeCheckpoint.fixture("unet64.names.json"));
        assertKind(ModelKind.UNET_ONLY, FakeCheckpoint.of(UNetShape.sd15().tensors()));
        assertKind(ModelKind.VAE_ONLY, FakeCheckpoint.of(VaeShape.sd15().tensors()));
        assertKind(ModelKind.TEXT_ENCODER_ONLY, FakeCheckpoint.of(TextShape.sd15().tensors()));
    }

    @Test
    void otherFamiliesAreToldByTheirUNet() throws IOException {
        assertKind(ModelKind.STABLE_DIFFUSION_2, FakeCheckpoint.of(unet(4, 1024).tensors()));
        assertKind(ModelKind.STABLE_DIFFUSION_XL, FakeCheckpoint.of(unet(4, 2048).tensors()));
        assertKind(ModelKind.INPAINTING, FakeCheckpoint.of(unet(9, 768).tensors()));
        FakeCheckpoint vector = FakeCheckpoint.of(unet(4, 768).tensors());
        assertKind(
                ModelKind.STABLE_DIFFUSION_XL,
                vector.add("model.diffusion_model.label_emb.0.0.weight", 1280L, 2816L));
        assertFalse(ModelKind.STABLE_DIFFUSION_XL.hasKnownTensors());
        assertTrue(ModelKind.INPAINTING.hasKnownTensors());
    }

    @Test
    void linearProjectionsAreDerived() {
        UNetShape sd2 = unet(4, 1024);
        assertEquals(
                Optional.of(sd2), ArchitectureShapes.of(FakeCheckpoint.of(sd2.tensors())).unet());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight",
                "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight",
                "unet.down_blocks.0.attentions.0.processor.to_q_lora.lora.up.weight",
                "base_model.model.mid_block.attentions.0.to_k.lora_A.weight",
            })
    void loraNamesAreKnown(String name) throws IOException {
        ModelIdentity identity = identity(new FakeCheckpoint().add(name, 4L, 8L));
        assertEquals(ModelKind.LORA, identity.kind(), name);
        assertEquals(1, identity.reasons().size());
    }

    @Test
    void aModelWithAStrayAdapterStaysAModel() throws IOException {
        FakeCheckpoint tiny = FakeCheckpoint.fixture("tiny-fp16.json");
        assertKind(ModelKind.STABLE_DIFFUSION_1, tiny.add("lora_unet_x.lora_up.weight", 4L, 8L));
    }

    @Test
    void otherTensorsAreUnknown() throws IOException {
        assertKind(ModelKind.UNKNOWN, new FakeCheckpoint());
        assertKind(ModelKind.UNKNOWN, new FakeCheckpoint().add("fc.weight", 10L, 512L));
        ModelIdentity control =
                identity(new FakeCheckpoint().add("control_model.input_blocks.0.0.weight", 1L));
        assertEquals(ModelKind.UNKNOWN, control.kind());
        assertTrue(control.reasons().get(0).contains("ControlNet"));
    }

    private static UNetShape unet(int in, int context) {
        UNetShape.Projection projection =
                context == 768 ? UNetShape.Projection.CONV : UNetShape.Projection.LINEAR;
        return new UNetShape(in, 4, 32, List.of(1, 2), 1, List.of(0, 1), 1, context, projection);
    }

    private static void assertKind(ModelKind kind, Checkpoint checkpoint) throws IOException {
        assertEquals(kind, identity(checkpoint).kind());
    }

    private static ModelIdentity identity(Checkpoint checkpoint) throws IOException {
        return ModelIdentity.of(CompVisView.of(checkpoint));
    }
}
