package dev.instaflow.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.model.TinyModel;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import dev.instaflow.unet.UNet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BlockMonitorTest {
    private static final double TOLERANCE = 5e-5;

    private final Backend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);
    private UNet model;

    @BeforeEach
    void load() throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(TinyModel.UNET64_FILE)) {
            model = UNet.load(backend, checkpoint, TinyModel.UNET64);
        }
    }

    /** Fails if an activation is still alive. */
    @AfterEach
    void close() {
        model.close();
        backend.close();
    }

    @Test
    void cancellingAtAnyBlockFreesEverythingAndLeavesTheModelUsable() {
        GoldenCase golden = new GoldenCase("unet64_0");
        for (String last : model.blockNames()) {
            List<String> seen = new ArrayList<>();
            BlockMonitor recorder = (block, ops, output) -> seen.add(block);
            BlockMonitor monitor =
                    recorder.andThen(BlockMonitor.cancelWhen(() -> seen.contains(last)));
            String message =
                    assertThrows(CancellationException.class, () -> evaluate(golden, monitor))
                            .getMessage();
            assertEquals("cancelled after " + last, message);
            assertEquals(model.blockNames().subList(0, model.blockNames().indexOf(last) + 1), seen);
        }
        TensorAssert.close(
                "after all that",
                evaluate(golden, BlockMonitor.cancelWhen(() -> false)),
                golden.channelsLast("out"),
                TOLERANCE);
    }

    @Test
    void finiteCheckNamesTheFirstBlockThatFails() {
        GoldenCase golden = new GoldenCase("unet64_0");
        try (Scope scope = backend.openScope("poisoned")) {
            Ops ops = scope.ops();
            float[] values = golden.channelsLast("x");
            values[7] = Float.NaN;
            Shape shape = golden.image(ops, "x").shape();
            Tensor x = ops.tensor("x", shape, values);
            Tensor context = golden.tensor(ops, "context");
            String message =
                    assertThrows(
                                    NonFiniteException.class,
                                    () ->
                                            model.forward(
                                                    ops,
                                                    x,
                                                    golden.floats("t"),
                                                    context,
                                                    FiniteCheck.INSTANCE))
                            .getMessage();
            assertTrue(message.startsWith("unet.input_blocks.0: output \""), message);
            assertTrue(message.contains("[2,9,12,64]"), message);
            // A 3x3 kernel at a pixel of the upper edge: 6 pixels of 64 channels.
            assertTrue(message.contains("has 384 NaN and 0 infinite values of 13824"), message);
        }
    }

    @Test
    void finiteCheckTellsTheRangeOfTheRest() {
        try (Scope scope = backend.openScope("range")) {
            Ops ops = scope.ops();
            Tensor x =
                    ops.tensor(
                            "h",
                            Shape.of(4),
                            new float[] {-2, 3.5f, Float.POSITIVE_INFINITY, Float.NaN});
            String message =
                    assertThrows(
                                    NonFiniteException.class,
                                    () -> FiniteCheck.INSTANCE.after("vae.decoder.up.3", ops, x))
                            .getMessage();
            assertTrue(message.contains("1 NaN and 1 infinite values of 4"), message);
            assertTrue(message.contains("[-2.0, 3.5]"), message);
            FiniteCheck.INSTANCE.after("fine", ops, ops.sliceChannels(x, 0, 2));
        }
    }

    private float[] evaluate(GoldenCase golden, BlockMonitor monitor) {
        try (Scope scope = backend.openScope("evaluation")) {
            Ops ops = scope.ops();
            Tensor y =
                    model.forward(
                            ops,
                            golden.image(ops, "x"),
                            golden.floats("t"),
                            golden.tensor(ops, "context"),
                            monitor);
            return ops.toArray(y);
        }
    }
}
