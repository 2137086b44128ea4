package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendUnavailableException;
import dev.instaflow.backend.Device;
import dev.instaflow.backend.WeightStorage;
import dev.instaflow.ops.Scope;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a user gets to a GPU: by name, by number, or because it is there. */
class CudaProviderOnCudaTest {
    private static final String PRECISION = "instaflow.cuda.precision";
    private static final String AUTOENCODER = "instaflow.cuda.autoencoder";

    private CudaTestDevice device;

    @BeforeEach
    void start() {
        device = CudaTestDevice.start(StandInSettings.fast());
    }

    @AfterEach
    void leavesNothing() {
        System.clearProperty(PRECISION);
        System.clearProperty(AUTOENCODER);
        device.requireNoLeaks();
    }

    private static void assertComputes(Backend backend) {
        try (Scope scope = backend.openScope("test")) {
            Tensor x = scope.ops().tensor("x", Shape.of(3), new float[] {1, 2, 3});
            assertArrayEquals(new float[] {2, 4, 6}, scope.ops().toArray(scope.ops().add(x, x)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "CUDA", "cuda:0"})
    void aNamedDeviceComputes(String name) {
        Device named = Device.named(name);
        assertEquals(name.toLowerCase(Locale.ROOT), named.name());
        assertEquals(named.name() + ": asked for", named.explanation());
        try (Backend backend = named.open()) {
            assertTrue(backend.description().startsWith("cuda:0 ("), backend.description());
            assertComputes(backend);
        }
    }

    @Test
    void autoPrefersTheGpuAndSaysWhyInOneLine() {
        Device auto = Device.auto();
        assertEquals("cuda", auto.name());
        CudaFindings.Gpu gpu = CudaFindings.ofThisMachine().gpus().get(0);
        String why = auto.explanation();
        assertTrue(why.startsWith("cuda: " + gpu.name() + ", compute capability "), why);
        assertTrue(why.contains("cuBLAS 12") && why.contains("cuDNN 8.9"), why);
        assertTrue(why.endsWith(" (faster than the cpu)"), why);
        assertEquals(1, why.lines().count());
        try (Backend backend = auto.open()) {
            assertComputes(backend);
        }
    }

    @Test
    void aNumberThatNoDeviceHasIsRefusedWithHowManyThereAre() {
        int count = CudaFindings.ofThisMachine().gpus().size();
        String message =
                assertThrows(BackendUnavailableException.class, () -> Device.named("cuda:" + count))
                        .getMessage();
        assertTrue(
                message.startsWith(
                        "cuda:%d cannot be used: there is no cuda:%d; the driver lists %d device"
                                .formatted(count, count, count)),
                message);
        assertTrue(message.endsWith("; or choose auto or cpu"), message);
    }

    @Test
    void theFindingsHaveDriverDeviceAndLibraries() {
        CudaFindings found = CudaFindings.ofThisMachine();
        assertTrue(found.usable(), found.reason());
        assertTrue(found.driver().isPresent());
        assertEquals(2, found.libraries().size());
        for (CudaFindings.Library library : found.libraries()) {
            assertTrue(library.obstacle().isEmpty(), library.toString());
            assertTrue(library.version().isPresent(), library.toString());
        }
    }

    @ParameterizedTest
    @CsvSource({"f32,F32", "F16,F16", "Bf16,BF16"})
    void theSettingNamesThePrecision(String word, String precision) {
        System.setProperty(PRECISION, word);
        try (Backend backend = Device.named("cuda").open()) {
            assertTrue(backend.description().contains(", " + precision), backend.description());
        }
    }

    @Test
    void withoutTheSettingItIsF16AndF32WhereWeightsAreTrained() {
        try (Backend backend = Device.named("cuda").open()) {
            assertTrue(backend.description().contains(", F16"), backend.description());
        }
        try (Backend backend = Device.named("cuda").open(WeightStorage.TRAINABLE)) {
            assertTrue(backend.description().contains(", F32"), backend.description());
        }
    }

    @Test
    void theAutoencodersArithmeticIsASettingOfItsOwn() {
        try (Backend backend = Device.named("cuda").open()) {
            String wide = backend.wideRange().description();
            assertTrue(wide.contains(", TF32"), wide);
        }
        System.setProperty(AUTOENCODER, "bf16");
        try (Backend backend = Device.named("cuda").open()) {
            assertTrue(backend.description().contains(", F16"), backend.description());
            String wide = backend.wideRange().description();
            assertTrue(wide.contains(", BF16"), wide);
        }
    }

    @Test
    void anAutoencoderInF16IsRefused() {
        System.setProperty(AUTOENCODER, "f16");
        String message =
                assertThrows(
                                IllegalArgumentException.class,
                                () -> Device.named("cuda").open().close())
                        .getMessage();
        assertEquals(AUTOENCODER + " \"f16\": expected f32 or bf16", message);
    }

    @Test
    void anUnknownPrecisionIsRefused() {
        System.setProperty(PRECISION, "f8");
        String message =
                assertThrows(
                                IllegalArgumentException.class,
                                () -> Device.named("cuda").open().close())
                        .getMessage();
        assertEquals(PRECISION + " \"f8\": expected f32 or f16 or bf16", message);
    }

    @Test
    void itsMemoryIsWhatTheDeviceHadFree() {
        try (Backend backend = Device.named("cuda").open()) {
            long all = CudaFindings.ofThisMachine().gpus().get(0).memoryBytes();
            long free = backend.memoryBytes();
            assertTrue(free > 0 && free <= all, free + " of " + all);
            assertComputes(backend);
            assertTrue(backend.heldBytes() > 0, "pooled");
            assertEquals(0, backend.usedBytes(), "not in use");
            assertEquals(free, backend.memoryBytes());
        }
    }
}
