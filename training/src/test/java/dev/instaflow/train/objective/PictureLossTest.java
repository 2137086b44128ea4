package dev.instaflow.train.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.TinyModel;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Tape;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Losses in pictures, through a frozen decoder, by central differences in F64. */
class PictureLossTest {
    private static final double STEP = 1e-4;

    /**
     * Losses are read as F32: 384 pixels rounded by 6e-8 make 1e-8 in the mean, over 2e-4. Twice that, for the
     * kink of the absolute value, near which a pixel may lie.
     */
    private static final double TOLERANCE = 3e-4;

    @Test
    void gradientOfASumIsThatOfCentralDifferences() throws IOException {
        Shape shape = Shape.of(2, 2, 3, 4);
        float[] noise = Gradients.normals(48, 1, 1);
        float[] data = Gradients.normals(48, 2, 1);
        RectifiedFlow flow = new RectifiedFlow(TimeLabelRule.INSTAFLOW, TimeDistribution.uniform());
        Problem problem = flow.problem(new double[] {0, 0.6}, data, noise);
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
                Checkpoint checkpoint = TinyModel.open();
                AutoencoderKl decoder =
                        AutoencoderKl.load(
                                backend, checkpoint, TinyModel.VAE, AutoencoderKl.Parts.DECODER)) {
            PictureLoss pictures =
                    new PictureLoss(
                            backend,
                            decoder,
                            LatentScale.STABLE_DIFFUSION,
                            List.of(
                                    new PictureLoss.Term(PixelDistance.ABSOLUTE, 0.7),
                                    new PictureLoss.Term(PixelDistance.EDGES, 0.2)));
            Loss loss =
                    new WeightedLosses(
                            List.of(
                                    new WeightedLosses.Term(Loss.SQUARED_ERROR, 0.5),
                                    new WeightedLosses.Term(pictures, 2)));
            assertCentral(backend, loss, shape, problem);
            try (Tape tape = new Tape(backend, Tape.Memory.KEEP)) {
                Tensor right = tape.tensor("right", shape, problem.target());
                assertEquals(0, loss.of(tape, right, problem).value());
                Problem meaningless =
                        new Problem(problem.state(), problem.labels(), problem.target());
                assertThrows(
                        IllegalArgumentException.class,
                        () -> pictures.of(tape, right, meaningless));
            }
        }
    }

    private static void assertCentral(
            ReferenceBackend backend, Loss loss, Shape shape, Problem problem) {
        try (Tape tape = new Tape(backend, Tape.Memory.KEEP)) {
            Tensor prediction = tape.tensor("prediction", shape, Gradients.normals(48, 3, 1));
            tape.watch(List.of(prediction));
            Loss.Result result = loss.of(tape, prediction, problem);
            tape.backward(result.seeds());
            double[] gradient = ReferenceBackend.values(tape.gradient(prediction).orElseThrow());
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
