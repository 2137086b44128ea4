package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.instaflow.backend.BackendException;
import dev.instaflow.backend.OutOfDeviceMemoryException;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.standin.StandIn;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What goes wrong on a device: one clear error each, and nothing left behind. */
class FailuresOnCudaTest {
    private static final int INVALID_VALUE = 1;
    private static final int ILLEGAL_ADDRESS = 700;
    private static final long MEMORY = 90L << 20;

    private CudaTestDevice device;
    private StandIn driver;
    private CudaBackend backend;

    @BeforeEach
    void open() {
        device = CudaTestDevice.start(StandInSettings.checked().withMemoryBytes(MEMORY));
        assumeTrue(device.standIn().isPresent(), "a GPU cannot be told to fail");
        driver = device.standIn().orElseThrow();
        backend = device.open(Precision.F32);
    }

    @AfterEach
    void closesWithoutLeaks() {
        if (backend != null) {
            backend.close();
            backend.close();
            device.requireNoLeaks();
        }
    }

    @Test
    void outOfMemoryNamesWhatWasWantedAndWhatThereIs() {
        try (Scope scope = backend.openScope("large")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(1, 1024, 16), new float[1 << 14]);
            Tensor twice = ops.upsampleNearest(ops.view(x, Shape.of(1, 1, 1024, 16)), 1, 2048);
            OutOfDeviceMemoryException error =
                    assertThrows(
                            OutOfDeviceMemoryException.class,
                            () ->
                                    ops.upsampleNearest(
                                            ops.view(x, Shape.of(1, 1, 1024, 16)), 1024, 1024));
            assertTrue(
                    error.getMessage()
                            .startsWith(
                                    "cuda:0: cannot allocate 64.0 MiB for \"x\" [1,1024,1024,16]"),
                    error.getMessage());
            assertTrue(error.getMessage().contains("held by this backend"), error.getMessage());
            assertArrayEquals(new float[1 << 15], ops.toArray(twice));
        }
    }

    @Test
    void idleMemoryIsGivenBackBeforeAnythingIsRefused() {
        for (int rows : new int[] {9 << 20, 13 << 20}) {
            try (Scope scope = backend.openScope("sizes")) {
                Ops ops = scope.ops();
                Tensor x = ops.tensor("x", Shape.of(1, 1, 1, 1), new float[1]);
                assertEquals(rows, ops.upsampleNearest(x, 1, rows).shape().count());
            }
        }
    }

    @Test
    void aRecordingHasTheMemoryThatThePlainRunHad() {
        int most = 12 << 20; // 48 MiB, and there is no room for two
        Ops.Program wide =
                (ops, inputs) -> {
                    try (Scope inner = ops.openScope()) {
                        Tensor row = inner.ops().upsampleNearest(inputs.get(0), 1, most);
                        row = inner.ops().view(row, Shape.of(1, most));
                        return inner.escape(inner.ops().sliceChannels(row, 0, 4));
                    }
                };
        try (CudaBackend apart = device.openApart(Precision.F32)) {
            for (int run = 0; run < 3; run++) {
                try (Scope scope = apart.openScope("run")) {
                    Ops ops = scope.ops();
                    Tensor x = ops.tensor("x", Shape.of(1, 1, 1, 1), new float[] {run});
                    float[] y = ops.toArray(ops.replay(wide, List.of(x)));
                    assertArrayEquals(new float[] {run, run, run, run}, y);
                }
            }
            assertEquals("", apart.engine().recordings().refusal());
        }
    }

    @Test
    void aLaunchThatIsRefusedIsToldAndTheBackendGoesOn() {
        try (Scope scope = backend.openScope("launch")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(3), new float[] {1, 2, 3});
            driver.failCall("cuLaunchKernel", 1, INVALID_VALUE);
            BackendException error = assertThrows(BackendException.class, () -> ops.add(x, x));
            assertTrue(error.getMessage().contains("cuLaunchKernel"), error.getMessage());
            assertTrue(error.getMessage().contains("elementwise_add_f32"), error.getMessage());
            assertTrue(error.getMessage().contains("\"sum\" [3] F32"), error.getMessage());
            assertTrue(error.getMessage().contains("CUDA_ERROR_INVALID_VALUE"), error.getMessage());
            assertArrayEquals(new float[] {2, 4, 6}, ops.toArray(ops.add(x, x)));
        }
    }

    @Test
    void aKernelThatFaultsEndsTheBackendWithOneMessage() {
        try (Scope scope = backend.openScope("fault")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(3), new float[] {1, 2, 3});
            driver.failKernel(1, ILLEGAL_ADDRESS);
            Tensor sum = ops.add(x, x);
            BackendException first = assertThrows(BackendException.class, () -> ops.toArray(sum));
            assertTrue(
                    first.getMessage().contains("CUDA_ERROR_ILLEGAL_ADDRESS"), first.getMessage());
            BackendException later = assertThrows(BackendException.class, () -> ops.add(x, x));
            assertTrue(later.getMessage().contains("cannot be used any more"), later.getMessage());
            assertTrue(
                    later.getMessage().contains("CUDA_ERROR_ILLEGAL_ADDRESS"), later.getMessage());
        }
        backend.close();
        backend = null;
    }

    @Test
    void aSourceThatFailsLeavesNothing() {
        FloatSource failing =
                (first, target, offset, length) -> {
                    throw new IOException("disk gone");
                };
        assertThrows(
                IOException.class,
                () -> backend.upload("w", WeightForm.LINEAR, Shape.of(8, 8), failing));
    }

    @Test
    void aClosedBackendRefusesWork() {
        backend.close();
        assertThrows(IllegalStateException.class, () -> backend.openScope("late"));
    }

    @Test
    void aViewOfTheDeviceInWideRangeEndsWithIt() {
        try (CudaBackend half = device.open(Precision.F16);
                Scope narrow = half.openScope("narrow");
                Scope wide = half.wideRange().openScope("wide")) {
            Tensor large = narrow.ops().tensor("large", Shape.of(2), new float[] {70_000, 1});
            assertArrayEquals(
                    new float[] {140_000, 2}, wide.ops().toArray(wide.ops().add(large, large)));
            half.wideRange().close();
            assertArrayEquals(new float[] {70_000, 1}, narrow.ops().toArray(large));
        }
    }
}
