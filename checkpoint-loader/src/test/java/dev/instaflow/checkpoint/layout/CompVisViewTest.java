package dev.instaflow.checkpoint.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompVisViewTest {
    private static final FakeCheckpoint TINY = FakeCheckpoint.fixture("tiny.names.json");

    @Test
    void diffusersNamesAndShapesBecomeCompVis() throws IOException {
        FakeCheckpoint diffusers = FakeCheckpoint.fixture("tiny-diffusers.json").shuffled(3);
        CompVisView view = CompVisView.of(diffusers);
        assertEquals(EnumSet.allOf(ModelPart.class), view.parts());
        assertEquals(plainShapes(TINY), shapes(view.entries()));
        String name = "first_stage_model.decoder.mid.attn_1.proj_out.weight";
        assertReads("vae.decoder.mid_block.attentions.0.to_out.0.weight", view, name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"module.", "state.", ""})
    void outerPrefixesAreTakenOff(String prefix) throws IOException {
        CompVisView view = CompVisView.of(TINY.renamed(name -> prefix + name).shuffled(7));
        assertEquals(new HashSet<>(TINY.names()), names(view));
        assertTrue(view.hasEma());
        String name = "model.diffusion_model.out.2.weight";
        assertReads(name, view, name);
    }

    @ParameterizedTest
    @EnumSource(ModelPart.class)
    void onePartWithoutPrefixIsKnownByItsNames(ModelPart part) throws IOException {
        for (FakeCheckpoint whole : List.of(TINY, FakeCheckpoint.fixture("tiny-diffusers.json"))) {
            for (String prefix : List.of("", "model.", "student.x.")) {
                UnaryOperator<String> rename = name -> only(part, prefix, name);
                CompVisView view = CompVisView.of(whole.renamed(rename).shuffled(11));
                assertEquals(Set.of(part), view.parts(), prefix);
                Set<String> expected = new HashSet<>(TINY.names());
                expected.removeIf(name -> !name.startsWith(part.compVisPrefix()));
                assertEquals(expected, names(view), prefix);
            }
        }
    }

    @Test
    void aPartInsideAnothersPrefixIsStillItsOwn() throws IOException {
        FakeCheckpoint nested =
                TINY.renamed(
                        name ->
                                name.replace("model.diffusion_model.", "net.")
                                        .replace("first_stage_model.", "net.vae."));
        CompVisView view = CompVisView.of(nested);
        assertEquals(new HashSet<>(TINY.names()), names(view));
    }

    @Test
    void textEncoderWithoutItsModelPrefixIsKnown() throws IOException {
        CompVisView view = CompVisView.of(TINY.renamed(name -> name.replace(".text_model.", ".")));
        assertEquals(new HashSet<>(TINY.names()), names(view));
    }

    @Test
    void strangersKeepTheirNames() throws IOException {
        FakeCheckpoint whole =
                FakeCheckpoint.fixture("unet64.names.json")
                        .renamed(name -> name.replace("model.diffusion_model.", ""));
        whole.add("input_blocks.77.0.colour.weight", 1L).add("betas", 1000L);
        CompVisView view = CompVisView.of(whole);
        assertTrue(view.find("input_blocks.77.0.colour.weight").isPresent());
        assertTrue(view.find("betas").isPresent());
        assertEquals(Optional.empty(), view.find("input_blocks.0.0.weight"));
    }

    @Test
    void filesOfNoPartAreLeftAlone() throws IOException {
        FakeCheckpoint lora =
                new FakeCheckpoint()
                        .add("unet.up_blocks.0.attentions.0.to_q.lora.up.weight", 8L, 4L)
                        .add("lora_unet_mid_block_attentions_0_proj_in.alpha");
        CompVisView view = CompVisView.of(lora);
        assertEquals(Set.of(), view.parts());
        assertEquals(new HashSet<>(lora.names()), names(view));
    }

    @Test
    void oneNameForTwoTensorsIsRefused() {
        FakeCheckpoint twice = FakeCheckpoint.fixture("tiny-diffusers.json");
        twice.add("cond_stage_model.transformer.text_model.x.weight", 1L);
        twice.add("model.diffusion_model.out.2.weight", 1L);
        // The canonical prefix wins, so the diffusers names are strangers, and nothing collides.
        assertEquals(twice.entries().size(), assertView(twice).entries().size());

        FakeCheckpoint outer = TINY.renamed(name -> "module." + name).add("betas", 1000L);
        String message = refusal(() -> CompVisView.of(outer));
        assertTrue(message.startsWith("fake.ckpt: two tensors are \"betas\""), message);
    }

    @Test
    void emaWeightsAreServedUnderTheNormalNames() throws IOException {
        CompVisView view = CompVisView.of(TINY.shuffled(2), WeightSet.EMA);
        assertEquals(plainShapes(TINY).keySet(), shapes(view.entries()).keySet());
        assertFalse(view.hasEma());
        assertReads(
                "model_ema.diffusion_modelinput_blocks10in_layers0weight",
                view,
                "model.diffusion_model.input_blocks.1.0.in_layers.0.weight");
        String vae = "first_stage_model.quant_conv.bias";
        assertReads(vae, view, vae);
    }

    @Test
    void noTwoNamesOfStableDiffusionShareAnAverage() throws IOException {
        FakeCheckpoint sd = FakeCheckpoint.of(UNetShape.sd15().tensors());
        for (TensorSpec spec : UNetShape.sd15().tensors()) {
            sd.add(EmaWeights.emaName(spec.name()), spec.shape().toArray(Long[]::new));
        }
        assertEquals(2 * 686, sd.entries().size());
        assertEquals(686, CompVisView.of(sd, WeightSet.EMA).entries().size());
    }

    @Test
    void absentEmaIsRefusedWithTheReason() {
        FakeCheckpoint none = FakeCheckpoint.fixture("tiny-fp16.json");
        assertFalse(assertView(none).hasEma());
        String message = refusal(() -> CompVisView.of(none, WeightSet.EMA));
        assertTrue(message.contains("all of the 684 U-Net tensors have none"), message);

        FakeCheckpoint some = TINY.shuffled(1).remove("model_ema.diffusion_modelout0bias");
        message = refusal(() -> CompVisView.of(some, WeightSet.EMA));
        assertTrue(message.contains("and 1 of the 684"), message);
        assertTrue(message.contains("expected \"model_ema.diffusion_modelout0bias\""), message);

        FakeCheckpoint wrong = some.add("model_ema.diffusion_modelout0bias", 31L);
        message = refusal(() -> CompVisView.of(wrong, WeightSet.EMA));
        assertTrue(message.contains("is [31], the weight that it averages"), message);

        FakeCheckpoint vae = TINY.renamed(name -> only(ModelPart.VAE, "", name));
        message = refusal(() -> CompVisView.of(vae, WeightSet.EMA));
        assertTrue(message.contains("no U-Net"), message);
    }

    @Test
    void namesThatWouldShareAnAverageAreRefused() {
        FakeCheckpoint sly =
                TINY.shuffled(4).add("model.diffusion_model.input_blocks.1.00.in_layers", 1L);
        sly.add("model.diffusion_model.input_blocks.10.0.in_layers", 1L);
        String message = refusal(() -> CompVisView.of(sly, WeightSet.EMA));
        assertTrue(message.contains("would both be called"), message);
    }

    private static String only(ModelPart part, String prefix, String name) {
        for (String own : List.of(part.compVisPrefix(), part.diffusersPrefix())) {
            if (name.startsWith(own)) {
                return prefix + name.substring(own.length());
            }
        }
        return null;
    }

    private static CompVisView assertView(FakeCheckpoint checkpoint) {
        try {
            return CompVisView.of(checkpoint);
        } catch (CheckpointFormatException e) {
            throw new AssertionError(e);
        }
    }

    private static String refusal(Executable call) {
        return assertThrows(CheckpointFormatException.class, call).getMessage();
    }

    private static void assertReads(String original, CompVisView view, String name)
            throws IOException {
        float[] value = new float[1];
        view.find(name).orElseThrow().readFloats(2, value, 0, 1);
        assertEquals(FakeCheckpoint.firstValue(original) + 2, value[0]);
    }

    private static Set<String> names(CompVisView view) {
        return new HashSet<>(view.entries().stream().map(Entry::name).toList());
    }

    private static Map<String, List<Long>> plainShapes(FakeCheckpoint checkpoint) {
        return shapes(
                checkpoint.entries().stream()
                        .filter(e -> !e.name().startsWith(EmaWeights.PREFIX))
                        .toList());
    }

    private static Map<String, List<Long>> shapes(Collection<Entry> entries) {
        Map<String, List<Long>> shapes = new TreeMap<>();
        for (Entry entry : entries) {
            if (!IgnorableKeys.isScheduleBuffer(entry.name())) {
                shapes.put(entry.name(), entry.shape());
            }
        }
        return shapes;
    }
}
