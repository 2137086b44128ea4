package dev.instaflow.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.nn.FiniteCheck;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import dev.instaflow.vae.Posterior;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The bundled model, RGBA and with 8 groups in its autoencoder, against what PyTorch made of it: each
 * network is given the inputs that it had there.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class EmojiGoldens {
    private static final Path MODEL =
            Path.of("../emoji-model/src/main/resources/dev/instaflow/emoji");
    private static final Path GOLDEN = Path.of("../emoji-model/src/test/resources/golden");

    /** As advised for the other goldens: the arithmetic and the kinds of layers are the same. */
    private static final double TEXT_TOLERANCE = 1e-5;

    private static final double UNET_TOLERANCE = 2e-5;
    private static final double VAE_TOLERANCE = 2e-5;

    private final TestBackend kind;
    private final GoldenCase golden = new GoldenCase(GOLDEN);
    private JsonNode items;
    private Backend backend;
    private ClipTextModel text;
    private UNet unet;
    private AutoencoderKl vae;

    EmojiGoldens(TestBackend kind) {
        this.kind = kind;
    }

    @BeforeAll
    void load() throws IOException {
        items = new JsonMapper().readTree(GOLDEN.resolve("golden.json").toFile()).get("items");
        JsonNode card = new JsonMapper().readTree(MODEL.resolve("card.json").toFile());
        ModelConfig config = ModelConfig.ofCard("card.json", card);
        backend = kind.open();
        try (Checkpoint checkpoint = Checkpoint.open(MODEL.resolve("model.ckpt"))) {
            text = ClipTextModel.load(backend, checkpoint, config.text());
            unet = UNet.load(backend, checkpoint, config.unet());
            vae = AutoencoderKl.load(backend, checkpoint, config.vae(), AutoencoderKl.Parts.BOTH);
        }
    }

    @AfterAll
    void closesWithoutLeaks() {
        text.close();
        unet.close();
        vae.close();
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void everyStageOfAPictureMatches(int i) {
        JsonNode tokens = items.get(i).get("token_ids");
        int[][] ids = new int[1][tokens.size()];
        for (int t = 0; t < tokens.size(); t++) {
            ids[0][t] = tokens.get(t).asInt();
        }
        try (Scope scope = backend.openScope("picture " + i)) {
            Ops ops = scope.ops();
            Tensor states = text.forward(ops, ids, FiniteCheck.INSTANCE);
            golden.check(kind.name(), i + "_hidden", ops.toArray(states), TEXT_TOLERANCE);
            Tensor velocity =
                    unet.forward(
                            ops,
                            golden.image(ops, i + "_noise"),
                            new float[] {1000},
                            golden.tensor(ops, i + "_hidden"),
                            FiniteCheck.INSTANCE);
            golden.check(kind.name(), i + "_velocity", ops.toArray(velocity), UNET_TOLERANCE);
            Tensor image = vae.decode(ops, golden.image(ops, i + "_latent"), FiniteCheck.INSTANCE);
            golden.check(kind.name(), i + "_decoded", ops.toArray(image), VAE_TOLERANCE);
        }
    }

    @Test
    void encodedPictureMatches() {
        try (Scope scope = backend.openScope("encode")) {
            Ops ops = scope.ops();
            Posterior posterior =
                    vae.encode(ops, golden.image(ops, "enc_input"), BlockMonitor.NONE);
            assertEquals(16, posterior.shape().size(3));
            golden.check(kind.name(), "enc_mean", posterior.mean(), VAE_TOLERANCE);
            golden.check(kind.name(), "enc_logvar", posterior.logVariance(), VAE_TOLERANCE);
        }
    }
}
