package dev.instaflow.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.model.TestBackend;
import dev.instaflow.model.TinyModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The autoencoder against CompVis' {@code AutoencoderKL}, on one backend. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class VaeGoldens {
    /** Advised by those who made the goldens: F32 against F64 differs by up to 3e-6. */
    private static final double TOLERANCE = 2e-5;

    private static final float SCALE = 0.18215f;

    private final TestBackend kind;
    private Backend backend;
    private AutoencoderKl model;

    VaeGoldens(TestBackend kind) {
        this.kind = kind;
    }

    @BeforeAll
    void load() throws IOException {
        backend = kind.open();
        try (Checkpoint checkpoint = TinyModel.open()) {
            model =
                    AutoencoderKl.load(
                            backend, checkpoint, TinyModel.VAE, AutoencoderKl.Parts.BOTH);
        }
    }

    @AfterAll
    void closesWithoutLeaks() {
        model.close();
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vae_0_64x64", "vae_1_40x56"})
    void encodeMatches(String name) {
        GoldenCase golden = new GoldenCase(name);
        try (Scope scope = backend.openScope(name)) {
            Ops ops = scope.ops();
            Posterior posterior = model.encode(ops, golden.image(ops, "image"), BlockMonitor.NONE);
            golden.check(kind.name(), "mean", posterior.mean(), TOLERANCE);
            golden.check(kind.name(), "logvar", posterior.logVariance(), TOLERANCE);
            Tensor raw = posterior.sample(ops, golden.channelsLast("noise"));
            Tensor latent = ops.combine(new float[][] {{SCALE}}, raw);
            golden.check(kind.name(), "sample", ops.toArray(latent), TOLERANCE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vae_0_64x64", "vae_1_40x56"})
    void decodeMatches(String name) {
        GoldenCase golden = new GoldenCase(name);
        try (Scope scope = backend.openScope(name)) {
            Ops ops = scope.ops();
            Tensor raw = ops.combine(new float[][] {{1 / SCALE}}, golden.image(ops, "latent"));
            Tensor image = model.decode(ops, raw, BlockMonitor.NONE);
            golden.check(kind.name(), "decoded", ops.toArray(image), TOLERANCE);
        }
    }

    @Test
    void everyBlockMatches() {
        GoldenCase golden = new GoldenCase("vae_blocks");
        Map<String, float[]> outputs = new LinkedHashMap<>();
        BlockMonitor recorder =
                (block, ops, output) ->
                        outputs.put(block.substring("vae.".length()), ops.toArray(output));
        try (Scope scope = backend.openScope("blocks")) {
            Ops ops = scope.ops();
            model.encode(ops, golden.image(ops, "image"), recorder);
            model.decode(ops, golden.image(ops, "latent"), recorder);
        }
        List<String> announced = new ArrayList<>(model.encoderBlockNames());
        announced.addAll(model.decoderBlockNames());
        assertEquals(announced, outputs.keySet().stream().map(name -> "vae." + name).toList());
        int compared = 0;
        for (Map.Entry<String, float[]> output : outputs.entrySet()) {
            String file = goldenName(output.getKey());
            if (golden.has(file)) {
                golden.check(kind.name(), file, output.getValue(), TOLERANCE);
                compared++;
            }
        }
        // All 27 outputs that there are, but decoder.norm_out, which we never make without SiLU.
        assertEquals(26, compared);
        assertTrue(golden.has("decoder.norm_out"));
    }

    /** Where the module's output is that of its last layer, the files have the module's name. */
    private static String goldenName(String block) {
        return switch (block) {
            case "encoder.conv_out" -> "encoder";
            case "decoder.conv_out" -> "decoded";
            default -> block;
        };
    }

    @Test
    void decoderAloneDecodesTheSame() throws IOException {
        GoldenCase golden = new GoldenCase("vae_blocks");
        try (Checkpoint checkpoint = TinyModel.open();
                AutoencoderKl decoder =
                        AutoencoderKl.load(
                                backend, checkpoint, TinyModel.VAE, AutoencoderKl.Parts.DECODER);
                Scope scope = backend.openScope("decoder alone")) {
            Ops ops = scope.ops();
            Tensor image = decoder.decode(ops, golden.image(ops, "latent"), BlockMonitor.NONE);
            golden.check(kind.name(), "decoded", ops.toArray(image), TOLERANCE);
            Tensor pixels = golden.image(ops, "image");
            assertThrows(
                    IllegalStateException.class,
                    () -> decoder.encode(ops, pixels, BlockMonitor.NONE));
        }
    }
}
