package dev.instaflow.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.instaflow.backend.Backend;
import dev.instaflow.backend.cuda.CudaTestDevice;
import dev.instaflow.backend.cuda.Precision;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.nn.FiniteCheck;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bundled model in two bytes a number, from ids to pixels in one go, against PyTorch in F32. */
class NarrowEmojiOnCudaTest {
    private static final Path MODEL =
            Path.of("../emoji-model/src/main/resources/dev/instaflow/emoji");
    private static final Path GOLDEN = Path.of("../emoji-model/src/test/resources/golden");

    private final GoldenCase golden = new GoldenCase(GOLDEN);

    /** F16 has 11 significant bits, 5e-4; a hundred roundings in a row make ten times that. BF16 has 8 bits. */
    @ParameterizedTest
    @CsvSource({"F16,5e-3", "BF16,4e-2"})
    void everyStageStaysNearF32(Precision precision, double tolerance) throws IOException {
        JsonNode card = new JsonMapper().readTree(MODEL.resolve("card.json").toFile());
        ModelConfig config = ModelConfig.ofCard("card.json", card);
        CudaTestDevice device = CudaTestDevice.start(StandInSettings.fast());
        try (Checkpoint checkpoint = Checkpoint.open(MODEL.resolve("model.ckpt"));
                Backend backend = device.open(precision);
                ClipTextModel text = ClipTextModel.load(backend, checkpoint, config.text());
                UNet unet = UNet.load(backend, checkpoint, config.unet());
                AutoencoderKl vae =
                        AutoencoderKl.load(
                                backend.wideRange(),
                                checkpoint,
                                config.vae(),
                                AutoencoderKl.Parts.DECODER);
                Scope scope = backend.openScope("narrow");
                Scope wide = backend.wideRange().openScope("wide")) {
            Ops ops = scope.ops();
            Tensor states = text.forward(ops, ids(), FiniteCheck.INSTANCE);
            check(precision, "0_hidden", ops.toArray(states), tolerance);
            Tensor noise = golden.image(ops, "0_noise");
            Tensor velocity =
                    unet.forward(ops, noise, new float[] {1000}, states, FiniteCheck.INSTANCE);
            check(precision, "0_velocity", ops.toArray(velocity), tolerance);
            Tensor image =
                    vae.decode(
                            wide.ops(), golden.image(wide.ops(), "0_latent"), FiniteCheck.INSTANCE);
            check(precision, "0_decoded", wide.ops().toArray(image), tolerance);
        }
        device.requireNoLeaks();
    }

    private static int[][] ids() throws IOException {
        JsonNode tokens =
                new JsonMapper()
                        .readTree(GOLDEN.resolve("golden.json").toFile())
                        .get("items")
                        .get(0)
                        .get("token_ids");
        int[][] ids = new int[1][tokens.size()];
        for (int t = 0; t < tokens.size(); t++) {
            ids[0][t] = tokens.get(t).asInt();
        }
        return ids;
    }

    private void check(Precision precision, String file, float[] actual, double tolerance) {
        float[] expected = golden.channelsLast(file);
        double worst = 0;
        double largest = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs((double) actual[i] - expected[i]);
            worst = difference <= worst ? worst : difference; // NaN is the worst
            largest = Math.max(largest, Math.abs(expected[i]));
        }
        double relative = worst / largest;
        System.out.printf(
                "golden %-24s %-5s worst %.2e of the largest value, allowed %.0e%n",
                file, precision, relative, tolerance);
        assertTrue(relative <= tolerance, file + ": " + relative + ", allowed " + tolerance);
    }
}
