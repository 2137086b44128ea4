package dev.instaflow.checkpoint.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.DType;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ArchitectureShapesTest {
    private static final UNetShape TINY_UNET =
            new UNetShape(
                    4,
                    4,
                    32,
                    List.of(1, 1, 1, 2),
                    2,
                    List.of(0, 1, 2),
                    1,
                    16,
                    UNetShape.Projection.CONV);

    /** Counts of CompVis' v1-inference.yaml, enumerated from the original modules. */
    @Test
    void stableDiffusion15HasItsPublishedCounts() {
        assertCounts(UNetShape.sd15().tensors(), 686, 859_520_964L);
        assertCounts(VaeShape.sd15().tensors(), 248, 83_653_863L);
        // The 197th tensor of files is the buffer position_ids.
        assertCounts(TextShape.sd15().tensors(), 196, 123_060_480L);
        assertCounts(ArchitectureShapes.sd15().tensors(), 1130, 1_066_235_307L);
    }

    @Test
    void stableDiffusion15SizesComeBackFromItsShapes() {
        ArchitectureShapes sd15 = ArchitectureShapes.sd15();
        assertEquals(sd15, ArchitectureShapes.of(FakeCheckpoint.of(sd15.tensors()).shuffled(1)));
    }

    @Test
    void tinySizesAreThoseOfItsYaml() {
        FakeCheckpoint tiny = FakeCheckpoint.fixture("tiny-fp16.json");
        ArchitectureShapes shapes = ArchitectureShapes.of(tiny);
        assertEquals(Optional.of(TINY_UNET), shapes.unet());
        assertEquals(
                Optional.of(new VaeShape(3, 3, 32, List.of(1, 1, 1, 2), 1, 4, 4)), shapes.vae());
        assertEquals(Optional.of(new TextShape(49408, 77, 16, 3, 64)), shapes.text());
        assertTrue(KeyReport.compare(shapes.tensors(), tiny).fits());
    }

    @Test
    void emojiModelSizesAreThoseOfItsCard() {
        FakeCheckpoint emoji = FakeCheckpoint.fixture("tiny-emoji.names.json");
        ArchitectureShapes shapes = ArchitectureShapes.of(emoji.shuffled(5));
        assertEquals(
                Optional.of(
                        new UNetShape(
                                16,
                                16,
                                64,
                                List.of(1, 2),
                                1,
                                List.of(1),
                                1,
                                128,
                                UNetShape.Projection.CONV)),
                shapes.unet());
        assertEquals(
                Optional.of(new VaeShape(4, 4, 16, List.of(1, 2, 2, 4), 1, 16, 16)), shapes.vae());
        assertEquals(Optional.of(new TextShape(4514, 24, 128, 2, 512)), shapes.text());
        KeyReport report = KeyReport.compare(shapes.tensors(), emoji);
        assertTrue(report.fits(), report::text);
    }

    @Test
    void oneLevelWithoutDownsamplerIsDerived() {
        FakeCheckpoint unet64 = FakeCheckpoint.fixture("unet64.names.json");
        ArchitectureShapes shapes = ArchitectureShapes.of(unet64);
        assertEquals(
                Optional.of(
                        new UNetShape(
                                4,
                                4,
                                64,
                                List.of(1),
                                1,
                                List.of(0),
                                1,
                                16,
                                UNetShape.Projection.CONV)),
                shapes.unet());
        assertEquals(Optional.empty(), shapes.vae());
        assertEquals(Optional.empty(), shapes.text());
        assertTrue(KeyReport.compare(shapes.tensors(), unet64).fits());
    }

    @Test
    void lostTensorsDoNotChangeTheSizes() {
        FakeCheckpoint damaged = FakeCheckpoint.fixture("tiny-fp16.json");
        for (String name : List.of("input_blocks.3.0.op.weight", "input_blocks.3.0.op.bias")) {
            damaged.remove("model.diffusion_model." + name);
        }
        damaged.remove("model.diffusion_model.output_blocks.4.0.in_layers.2.weight");
        damaged.add("model.diffusion_model.input_blocks.900.0.op.weight", 1L);
        assertEquals(Optional.of(TINY_UNET), ArchitectureShapes.of(damaged).unet());
    }

    @Test
    void sizesThatNoModelHasAreNotDerived() {
        FakeCheckpoint odd = FakeCheckpoint.fixture("unet64.names.json");
        String conv = "model.diffusion_model.input_blocks.0.0.weight";
        odd.remove(conv).add(conv, DType.F16, List.of(1L << 40, 4L, 3L, 3L));
        assertEquals(Optional.empty(), ArchitectureShapes.of(odd).unet());
        odd.remove(conv).add(conv, DType.F16, List.of(0L, 4L, 3L, 3L));
        assertEquals(Optional.empty(), ArchitectureShapes.of(odd).unet());
        odd.remove(conv).add(conv, DType.F16, List.of(63L, 4L, 3L, 3L));
        assertEquals(Optional.empty(), ArchitectureShapes.of(odd).unet());
    }

    private static void assertCounts(List<TensorSpec> tensors, int count, long parameters) {
        assertEquals(count, tensors.size());
        assertEquals(count, new HashSet<>(tensors.stream().map(TensorSpec::name).toList()).size());
        assertEquals(parameters, TensorSpec.count(tensors));
    }
}
