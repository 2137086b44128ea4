package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.WeightStorage;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Networks in F16 whose weights an optimiser changes in F32. */
class MixedTrainingOnCudaTest {
    private static final Shape SQUARE = Shape.of(16, 16);

    /** The smallest step of F16 near 0 is 6e-8: half of that and less becomes nothing. */
    private static final float TINY = 1e-9f;

    private static final float SCALE = 65_536;

    private CudaTestDevice device;
    private CudaBackend backend;
    private Tensor weight;
    private Tensor bias;

    @BeforeEach
    void open() throws IOException {
        device = CudaTestDevice.start(StandInSettings.checked());
        backend =
                device.openApart(
                        CudaSettings.of(Precision.F16).withWeights(WeightStorage.TRAINABLE));
        weight = upload(WeightForm.LINEAR, SQUARE, 1);
        bias = upload(WeightForm.PLAIN, Shape.of(16), 1);
    }

    @AfterEach
    void close() {
        weight.close();
        bias.close();
        backend.close();
        device.requireNoLeaks();
    }

    private Tensor upload(WeightForm form, Shape shape, float value) throws IOException {
        return backend.upload("w", form, shape, FloatSource.of(all(shape, value)));
    }

    private static float[] all(Shape shape, float value) {
        float[] values = new float[Math.toIntExact(shape.count())];
        Arrays.fill(values, value);
        return values;
    }

    private float[] played(Ops.Program program) {
        try (Scope scope = backend.openScope("played")) {
            Tensor x = scope.ops().tensor("x", SQUARE, all(SQUARE, 0.5f));
            return scope.ops().toArray(scope.ops().replay(program, List.of(x)));
        }
    }

    @Test
    void aRecordedProgramComputesWithWhatTheWeightsAreNow() throws IOException {
        Ops.Program program = (ops, in) -> ops.linear(in.get(0), weight, bias);
        for (int run = 0; run < 3; run++) {
            assertArrayEquals(all(SQUARE, 16 * 0.5f + 1), played(program));
        }
        backend.update(weight, FloatSource.of(all(SQUARE, 2)));
        backend.update(bias, FloatSource.of(all(Shape.of(16), 3)));
        assertArrayEquals(all(SQUARE, 16 * 0.5f * 2 + 3), played(program));
        assertEquals("", backend.engine().recordings().refusal());
    }

    @Test
    void aWeightMovesByStepsThatF16DoesNotHave() throws IOException {
        float moved = 1 + 0x1p-20f;
        backend.update(weight, FloatSource.of(all(SQUARE, moved)));
        try (Scope scope = backend.openScope("read")) {
            assertEquals(DType.F32, weight.dtype());
            assertArrayEquals(all(SQUARE, moved), scope.ops().toArray(weight));
        }
    }

    @Test
    void aScaledLossKeepsSmallGradientsAndIsFoundOutWhenItIsTooLarge() {
        try (Scope scope = backend.openScope("gradients")) {
            Ops ops = scope.ops();
            float[] lost = ops.toArray(inputGradient(ops, TINY));
            assertArrayEquals(all(SQUARE, 0), lost);
            float[] kept = ops.toArray(inputGradient(ops, TINY * SCALE));
            assertEquals(16 * TINY, kept[0] / SCALE, 16 * TINY * 0x1p-10);
            assertTrue(ops.isFinite(inputGradient(ops, 1)));
            assertFalse(ops.isFinite(inputGradient(ops, SCALE)));
        }
    }

    private Tensor inputGradient(Ops ops, float dy) {
        return backend.gradients(ops)
                .linearInput(weight, ops.tensor("dy", SQUARE, all(SQUARE, dy)));
    }

    @Test
    void whatIsNoWeightIsNotUpdated() {
        try (Scope scope = backend.openScope("activations")) {
            Tensor x = scope.ops().tensor("x", SQUARE, all(SQUARE, 1));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> backend.update(x, FloatSource.of(all(SQUARE, 2))));
        }
    }
}
