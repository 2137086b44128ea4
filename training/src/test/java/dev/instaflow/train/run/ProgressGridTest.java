package dev.instaflow.train.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.image.Pixels;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.pipeline.ModelSource;
import dev.instaflow.pipeline.OpenModel;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.evaluate.Conditioning;
import dev.instaflow.train.evaluate.Manner;
import dev.instaflow.train.evaluate.Painter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Networks under training draw what the finished model draws. */
class ProgressGridTest {
    /** Weights that are trained are kept in another form, which rounds otherwise. */
    private static final int ROUNDING = 3;

    @TempDir Path models;

    @Test
    void aModelUnderTrainingDrawsAsTheSameWeightsDoElsewhere() throws IOException {
        ModelConfig config = BundledEmoji.config(models);
        Path file = BundledEmoji.copy("model.ckpt", models);
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                CompVisView source = CompVisView.open(file, WeightSet.PLAIN);
                TrainingModel training =
                        TrainingModel.load(backend, source, config, TrainableSet.FULL);
                OpenModel finished =
                        OpenModel.load(ModelSource.bundled(), backend, WeightSet.PLAIN)) {
            ClipTokenizer tokenizer = finished.tokenizer();
            Painter progress =
                    new Painter(
                            backend,
                            finished.card(),
                            Conditioning.of(training, tokenizer),
                            finished.decoder());
            requireAlike(Painter.of(backend, finished), progress, 1, 0);
            requireAlike(Painter.of(backend, finished), progress, 2, 2);
        }
    }

    private static void requireAlike(Painter a, Painter b, int steps, double guidance) {
        Manner manner = Manner.of(SamplerKind.RF_EULER, steps, guidance);
        List<String> captions = List.of("лимон", "собака");
        List<List<Pixels>> expected = a.draw(captions, 2, manner);
        List<List<Pixels>> actual = b.draw(captions, 2, manner);
        for (int i = 0; i < captions.size(); i++) {
            for (int seed = 0; seed < 2; seed++) {
                byte[] left = expected.get(i).get(seed).toBytes();
                byte[] right = actual.get(i).get(seed).toBytes();
                assertEquals(left.length, right.length);
                for (int k = 3; k < left.length; k += 4) {
                    int alpha = Math.abs((left[k] & 0xff) - (right[k] & 0xff));
                    assertTrue(alpha <= ROUNDING, "alpha differs by " + alpha);
                    int red = Math.abs((left[k - 3] & 0xff) - (right[k - 3] & 0xff));
                    // The colour of what is hardly opaque is a quotient of small numbers.
                    boolean visible = (left[k] & 0xff) > 127;
                    assertTrue(!visible || red <= ROUNDING, "red differs by " + red);
                }
            }
        }
    }
}
