package dev.instaflow.unet;

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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A few of the evaluations of {@link UNetGoldens}: a UNet in the emulator takes seconds. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UNetOnCudaTest {
    /** As in {@link UNetGoldens}. */
    private static final double TOLERANCE = 5e-5;

    private Backend backend;
    private UNet model;

    @BeforeAll
    void load() throws IOException {
        backend = TestBackend.CUDA.open();
        try (Checkpoint checkpoint = TinyModel.open()) {
            model = UNet.load(backend, checkpoint, TinyModel.UNET);
        }
    }

    @AfterAll
    void closesWithoutLeaks() {
        model.close();
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"unet_t500p5", "unet_batch2", "unet_odd_20x18_diffusers"})
    void outputMatches(String name) {
        GoldenCase golden = new GoldenCase(name);
        try (Scope scope = backend.openScope(name)) {
            Ops ops = scope.ops();
            Tensor y =
                    model.forward(
                            ops,
                            golden.image(ops, "x"),
                            golden.floats("t"),
                            golden.tensor(ops, "context"),
                            BlockMonitor.NONE);
            golden.check(TestBackend.CUDA.name(), "out", ops.toArray(y), TOLERANCE);
        }
    }
}
