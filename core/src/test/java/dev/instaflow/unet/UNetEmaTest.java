package dev.instaflow.unet;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.model.TestBackend;
import dev.instaflow.model.TinyModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The averaged weights of a training file, whose names have lost their dots. */
class UNetEmaTest {
    /** As in {@link UNetGoldens}. */
    private static final double TOLERANCE = 5e-5;

    @Test
    void outputWithAveragedWeightsMatches() throws IOException {
        Path file = Path.of(System.getProperty("instaflow.oracle", ""), "tiny.ckpt");
        assumeTrue(
                Files.exists(file),
                "needs the 20 MB training file " + file + ", which is not kept with the sources");
        GoldenCase golden = new GoldenCase("unet_ema_t500");
        TestBackend kind = TestBackend.REFERENCE;
        try (Backend backend = kind.open();
                Checkpoint checkpoint = CompVisView.open(file, WeightSet.EMA);
                UNet model = UNet.load(backend, checkpoint, TinyModel.UNET);
                Scope scope = backend.openScope("ema")) {
            Ops ops = scope.ops();
            Tensor y =
                    model.forward(
                            ops,
                            golden.image(ops, "x"),
                            golden.floats("t"),
                            golden.tensor(ops, "context"),
                            BlockMonitor.NONE);
            golden.check(kind.name(), "out", ops.toArray(y), TOLERANCE);
        }
    }
}
