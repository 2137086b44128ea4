package dev.instaflow.checkpoint.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.checkpoint.Fixtures;
import dev.instaflow.checkpoint.Sha256;
import dev.instaflow.checkpoint.layout.WeightSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against the files of the oracle that are too large for the repository. */
class OracleConversionTest {
    private static final Path ORACLE = Path.of(System.getProperty("instaflow.oracle", "../oracle"));
    private static final NetworkSettings SETTINGS = new NetworkSettings(8, 4, 32, 32, 0.18215);

    @TempDir private Path folder;

    @BeforeEach
    void needsTheOracle() {
        Assumptions.assumeTrue(
                Files.exists(ORACLE.resolve("tiny-diffusers/model_index.json")),
                () -> "no " + ORACLE + "/tiny-diffusers; say -Dinstaflow.oracle=DIR");
    }

    @Test
    void ourFolderIsTheOriginalConvertersTensorByTensor() throws IOException {
        Path ours = folder.resolve("ours");
        Converter.convert(
                Conversion.of(Fixtures.path("tiny-fp16.ckpt"), ours).withSettings(SETTINGS));
        assertEquals(Sha256.contents(ORACLE.resolve("tiny-diffusers")), Sha256.contents(ours));
    }

    @Test
    void theOriginalConvertersFolderBecomesTheCheckpointAgain() throws IOException {
        Path ckpt = folder.resolve("back.ckpt");
        Converter.convert(Conversion.of(ORACLE.resolve("tiny-diffusers"), ckpt));
        Map<String, String> expected = Sha256.contents(Fixtures.path("tiny-fp16.ckpt"));
        expected.keySet().removeIf(name -> !name.contains("model"));
        assertEquals(expected, Sha256.contents(ckpt));
    }

    @Test
    void legacyAndSafetensorsFilesBecomeTheSameFolder() throws IOException {
        Map<String, String> expected = Sha256.contents(ORACLE.resolve("tiny-diffusers"));
        for (String name : new String[] {"tiny-legacy.ckpt", "tiny.safetensors"}) {
            Path ours = folder.resolve(name.replace('.', '-'));
            Converter.convert(Conversion.of(ORACLE.resolve(name), ours).withSettings(SETTINGS));
            assertEquals(expected, Sha256.contents(ours), name);
        }
    }

    /** Names of the averages are those that CompVis' own module wrote. */
    @Test
    void averagesOfATrainingCheckpointAreFound() throws IOException {
        Path trained = ORACLE.resolve("tiny.ckpt");
        Path averaged = folder.resolve("averaged.safetensors");
        Converter.convert(Conversion.of(trained, averaged).withWeights(WeightSet.EMA));
        Map<String, String> all = Sha256.contents(trained);
        Map<String, String> written = Sha256.contents(averaged);
        int unet = 0;
        for (Map.Entry<String, String> tensor : written.entrySet()) {
            String name = tensor.getKey();
            if (name.startsWith("model.")) {
                name = "model_ema." + name.substring("model.".length()).replace(".", "");
                unet++;
            }
            assertEquals(all.get(name), tensor.getValue(), name);
        }
        assertEquals(684, unet);
        assertEquals(917, written.size());
    }
}
