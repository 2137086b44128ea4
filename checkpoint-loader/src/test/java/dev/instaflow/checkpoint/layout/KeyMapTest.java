package dev.instaflow.checkpoint.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyMapTest {
    private static final String OUTPUT = "model.diffusion_model.output_blocks.";

    /** Both files are the original converter's: a pair of names must hold the same bytes. */
    @Test
    void mapsEveryTinyNameToTheDiffusersTensorWithTheSameValues() {
        Map<String, String> compVis = FakeCheckpoint.checksums("tiny-fp16.json");
        Map<String, String> diffusers = FakeCheckpoint.checksums("tiny-diffusers.json");
        KeyMap map = KeyMap.fromCompVis(compVis.keySet());
        HashSet<String> reached = new HashSet<>();
        compVis.forEach(
                (name, sum) -> {
                    if (IgnorableKeys.isScheduleBuffer(name)) {
                        assertEquals(Optional.empty(), map.toDiffusers(name));
                    } else {
                        String to = map.toDiffusers(name).orElseThrow(() -> noName(name));
                        assertEquals(sum, diffusers.get(to), name + " -> " + to);
                        reached.add(to);
                    }
                });
        assertEquals(diffusers.keySet(), reached);
        assertEquals(diffusers.size(), map.size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-fp16.json", "tiny-emoji.names.json", "unet64.names.json", "sd15"})
    void namesComeBackWhateverTheirOrder(String model) {
        List<String> names = weightNames(model);
        Map<String, String> sorted = forth(names);
        for (long seed = 0; seed < 20; seed++) {
            List<String> shuffled = new ArrayList<>(names);
            Collections.shuffle(shuffled, new Random(seed));
            Map<String, String> forth = forth(shuffled);
            assertEquals(sorted, forth, "seed " + seed);
            List<String> there = new ArrayList<>(forth.values());
            Collections.shuffle(there, new Random(~seed));
            KeyMap back = KeyMap.fromDiffusers(there);
            forth.forEach(
                    (from, to) -> {
                        assertEquals(Optional.of(from), back.toCompVis(to), to);
                        assertEquals(Optional.of(to), back.toDiffusers(from), from);
                    });
            assertEquals(names.size(), back.size());
        }
    }

    @Test
    void upsamplerIndexDependsOnAttentionInItsLevel() {
        KeyMap map = KeyMap.fromCompVis(weightNames("sd15"));
        assertEquals(
                Optional.of("unet.up_blocks.0.upsamplers.0.conv.weight"),
                map.toDiffusers(OUTPUT + "2.1.conv.weight"));
        assertEquals(
                Optional.of("unet.up_blocks.1.upsamplers.0.conv.bias"),
                map.toDiffusers(OUTPUT + "5.2.conv.bias"));
        assertEquals(
                Optional.of("unet.up_blocks.2.upsamplers.0.conv.bias"),
                map.toDiffusers(OUTPUT + "8.2.conv.bias"));
        assertEquals(Optional.empty(), map.toDiffusers(OUTPUT + "5.1.conv.bias"));
    }

    @Test
    void vaeDecoderLevelsAreCountedBackwards() {
        KeyMap map = KeyMap.fromCompVis(weightNames("sd15"));
        assertEquals(
                Optional.of("vae.decoder.up_blocks.0.resnets.2.conv1.weight"),
                map.toDiffusers("first_stage_model.decoder.up.3.block.2.conv1.weight"));
        assertEquals(
                Optional.of("vae.decoder.up_blocks.3.resnets.0.conv_shortcut.weight"),
                map.toDiffusers("first_stage_model.decoder.up.0.block.0.nin_shortcut.weight"));
        assertEquals(
                Optional.of("vae.encoder.down_blocks.3.resnets.1.norm2.bias"),
                map.toDiffusers("first_stage_model.encoder.down.3.block.1.norm2.bias"));
    }

    @Test
    void oldAttentionNamesAreReadToo() {
        Map<String, String> old =
                Map.of(
                        ".to_q.", ".query.",
                        ".to_k.", ".key.",
                        ".to_v.", ".value.",
                        ".to_out.0.", ".proj_attn.");
        Map<String, String> forth = forth(weightNames("tiny-fp16.json"));
        Map<String, String> oldToCompVis = new HashMap<>();
        forth.forEach(
                (from, to) -> {
                    String name = to;
                    if (to.startsWith("vae.")) {
                        for (Map.Entry<String, String> rule : old.entrySet()) {
                            name = name.replace(rule.getKey(), rule.getValue());
                        }
                    }
                    oldToCompVis.put(name, from);
                });
        assertTrue(oldToCompVis.containsKey("vae.encoder.mid_block.attentions.0.query.bias"));
        KeyMap map = KeyMap.fromDiffusers(oldToCompVis.keySet());
        oldToCompVis.forEach(
                (name, compVis) -> assertEquals(Optional.of(compVis), map.toCompVis(name)));
    }

    @Test
    void vaeAttentionWeightsLoseAndGainTheirUnitAxes() {
        String q = "first_stage_model.encoder.mid.attn_1.q.weight";
        assertEquals(List.of(8L, 8L, 1L, 1L), KeyMap.compVisShape(q, List.of(8L, 8L)));
        assertEquals(List.of(8L, 8L, 1L, 1L), KeyMap.compVisShape(q, List.of(8L, 8L, 1L, 1L)));
        assertEquals(List.of(8L, 8L), KeyMap.diffusersShape(q, List.of(8L, 8L, 1L, 1L)));
        String norm = "first_stage_model.encoder.mid.attn_1.norm.weight";
        assertEquals(List.of(8L), KeyMap.diffusersShape(norm, List.of(8L)));
        String project = "model.diffusion_model.input_blocks.1.1.proj_in.weight";
        List<Long> conv = List.of(8L, 8L, 1L, 1L);
        assertEquals(conv, KeyMap.diffusersShape(project, conv));
    }

    @Test
    void namesOutsideTheArchitectureStayUnmapped() {
        List<String> names = new ArrayList<>(weightNames("tiny-fp16.json"));
        List<String> strange =
                List.of(
                        "model.diffusion_model.input_blocks.01.0.in_layers.0.weight",
                        "model.diffusion_model.input_blocks.3.0.in_layers.9.weight",
                        "model.diffusion_model.input_blocks.0.1.norm.weight",
                        "model.diffusion_model.label_emb.0.0.weight",
                        "model.diffusion_model.out.1.weight",
                        "first_stage_model.decoder.up.0.attn.0.q.weight",
                        "first_stage_model.decoder.mid.block_3.conv1.weight",
                        "first_stage_model.colour.weight",
                        "cond_stage_model.transformer.pooler.weight",
                        "cond_stage_model.model.ln_final.weight",
                        "betas");
        names.addAll(strange);
        KeyMap map = KeyMap.fromCompVis(names);
        strange.forEach(name -> assertEquals(Optional.empty(), map.toDiffusers(name), name));
        assertEquals(names.size() - strange.size(), map.size());
    }

    @Test
    void aModelHasOneNamingOfItsAttention() {
        List<String> mixed =
                List.of(
                        "vae.decoder.mid_block.attentions.0.query.weight",
                        "vae.decoder.mid_block.attentions.0.to_q.weight",
                        "unet.conv_in.weight",
                        "unet.down_blocks.0.resnets.0.norm1.weight",
                        "unet.down_blocks.0.resnets.00.norm1.weight");
        KeyMap map = KeyMap.fromDiffusers(mixed);
        assertEquals(3, map.size());
        assertEquals(Optional.empty(), map.toCompVis(mixed.get(1)));
        assertEquals(Optional.empty(), map.toCompVis(mixed.get(4)));
    }

    private static Map<String, String> forth(List<String> names) {
        KeyMap map = KeyMap.fromCompVis(names);
        Map<String, String> forth = new HashMap<>();
        for (String name : names) {
            forth.put(name, map.toDiffusers(name).orElseThrow(() -> noName(name)));
        }
        return forth;
    }

    private static AssertionError noName(String name) {
        return new AssertionError("no diffusers name for " + name);
    }

    private static List<String> weightNames(String model) {
        List<String> names =
                model.equals("sd15")
                        ? ArchitectureShapes.sd15().tensors().stream()
                                .map(TensorSpec::name)
                                .toList()
                        : FakeCheckpoint.fixture(model).names();
        return names.stream().filter(name -> !IgnorableKeys.isScheduleBuffer(name)).toList();
    }
}
