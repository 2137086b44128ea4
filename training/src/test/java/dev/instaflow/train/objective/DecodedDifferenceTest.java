package dev.instaflow.train.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.TinyModel;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Tape;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The loss in pictures, through a frozen decoder, by central differences in F64. */
class DecodedDifferenceTest {
    private static final double STEP = 1e-4;

    /**
     * Losses are read as F32: 384 pixels rounded by 6e-8 make 1e-8 in the mean, over 2e-4. Twice that, for the
     * kink of the absolute value, near which a pixel may lie.
     */
    private static final double TOLERANCE = 2e-4;

    private static float[] normals(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Test
    void gradientIsThatOfCentralDifferences() throws IOException {
        Shape shape = Shape.of(1, 2, 3, 4);
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
                Checkpoint checkpoint = TinyModel.open();
                AutoencoderKl decoder =
                        AutoencoderKl.load(
                                backend, checkpoint, TinyModel.VAE, AutoencoderKl.Parts.DECODER)) {
            DecodedDifference loss =
                    new DecodedDifference(decoder, LatentScale.STABLE_DIFFUSION, 0.5);
            Problem problem = new Problem(normals(24, 1), new float[] {1000}, normals(24, 2));
            try (Tape tape = new Tape(backend, Tape.Memory.KEEP)) {
                Tensor prediction = tape.tensor("prediction", shape, normals(24, 3));
                tape.watch(List.of(prediction));
                Loss.Result result = loss.of(tape, prediction, problem);
                tape.backward(result.seeds());
                double[] gradient =
                        ReferenceBackend.values(tape.gradient(prediction).orElseThrow());
                double[] values = ReferenceBackend.values(prediction);
                double scale = 0;
                for (int i = 0; i < values.length; i += 5) {
                    double kept = values[i];
                    values[i] = kept + STEP;
                    double above = loss.of(tape, prediction, problem).value();
                    values[i] = kept - STEP;
                    double below = loss.of(tape, prediction, problem).value();
                    values[i] = kept;
                    assertEquals((above - below) / (2 * STEP), gradient[i], TOLERANCE, "at " + i);
                    scale = Math.max(scale, Math.abs(gradient[i]));
                }
                assertTrue(scale > 10 * TOLERANCE, "the gradients are larger than what is allowed");
            }
        }
    }
}
