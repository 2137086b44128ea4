package dev.instaflow.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.model.ModelConfig;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A model file to measure.
 *
 * @param path the checkpoint
 * @param config its sizes
 * @param latentScale what a latent is divided by before it is decoded
 */
record BenchmarkModel(Path path, ModelConfig config, float latentScale) {
    /** The parameter's value that names the bundled model; any other is a path. */
    static final String EMOJI = "emoji";

    private static final String RESOURCES = "/dev/instaflow/emoji/";
    private static final float SD_LATENT_SCALE = 0.18215f;

    static BenchmarkModel named(String name) throws IOException {
        return name.equals(EMOJI) ? bundled() : file(Path.of(name));
    }

    private static BenchmarkModel bundled() throws IOException {
        Path copy = Files.createTempFile("instaflow-emoji", ".ckpt");
        copy.toFile().deleteOnExit();
        try (InputStream model = open("model.ckpt");
                InputStream card = open("card.json")) {
            Files.copy(model, copy, StandardCopyOption.REPLACE_EXISTING);
            String source = RESOURCES + "card.json";
            ModelConfig config = ModelConfig.ofCard(source, new ObjectMapper().readTree(card));
            return new BenchmarkModel(copy, config, 1);
        }
    }

    private static InputStream open(String file) throws IOException {
        InputStream in = BenchmarkModel.class.getResourceAsStream(RESOURCES + file);
        if (in == null) {
            throw new FileNotFoundException(RESOURCES + file + " is not in this jar");
        }
        return in;
    }

    private static BenchmarkModel file(Path path) throws IOException {
        try (Checkpoint checkpoint = CompVisView.of(Checkpoint.open(path))) {
            return new BenchmarkModel(path, ModelConfig.ofTensors(checkpoint), SD_LATENT_SCALE);
        }
    }

    /**
     * What goes into a step of another size than the usual.
     *
     * @param n images
     * @param pixels rows and columns of an image
     */
    StepInputs inputs(int n, int pixels) {
        return StepInputs.of(config, n, pixels / config.vae().factor());
    }

    StagedModel load(Backend backend) throws IOException {
        try (Checkpoint checkpoint = CompVisView.of(Checkpoint.open(path))) {
            return StagedModel.load(backend, checkpoint, config);
        }
    }
}
