package dev.instaflow.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class NativeAllocationTest {
    /**
     * JavaCPP fails each allocation that it tracks once the process has grown beyond four times the Java
     * heap; with 4 GB of weights and a small heap that is always.
     */
    @Test
    void nothingIsAllocatedInTheWayThatJavaCppLimits() throws IOException {
        ConvSpec spec = ConvSpec.SAME_3X3;
        try (CpuBackend backend = CpuBackend.open(CpuSettings.AUTOMATIC)) {
            long tracked = Pointer.totalCount();
            float[] values = new float[130 * 64 * 9];
            try (Tensor weight =
                            backend.upload(
                                    "w",
                                    new WeightForm.Conv(spec, 8, 8),
                                    Shape.of(130, 64, 3, 3),
                                    FloatSource.of(values));
                    Tensor bias =
                            backend.upload(
                                    "b", WeightForm.PLAIN, Shape.of(130), FloatSource.of(values));
                    Scope scope = backend.openScope("run")) {
                Ops ops = scope.ops();
                Tensor x = ops.tensor("x", Shape.of(1, 8, 8, 64), new float[8 * 8 * 64]);
                ops.toArray(ops.conv2d(spec, x, weight, bias));
                assertEquals(tracked, Pointer.totalCount());
            }
        }
    }
}
