package dev.instaflow.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
    @ParameterizedTest
    @ValueSource(strings = {"auto", "CPU", "reference"})
    void namedDevicesCompute(String name) {
        try (Backend backend = Device.named(name).open();
                Scope scope = backend.openScope("test")) {
            Tensor x = scope.ops().tensor("x", Shape.of(2), new float[] {1, 2});
            assertEquals(4, scope.ops().toArray(scope.ops().add(x, x))[1]);
        }
    }

    @Test
    void autoExplainsItselfInOneLine() {
        Device device = Device.auto();
        String why = device.explanation();
        assertTrue(why.startsWith(device.name() + ": "), why);
        assertTrue(device.name().equals("cuda") || why.contains("(cuda: "), why);
        assertEquals(1, why.lines().count());
    }

    @Test
    void aMissingDeviceSaysWhatToChoose() {
        BackendUnavailableException cuda =
                assertThrows(BackendUnavailableException.class, () -> Device.named("cuda:99"));
        assertTrue(cuda.getMessage().startsWith("cuda:99 cannot be used: "), cuda.getMessage());
        assertTrue(cuda.getMessage().contains("choose"), cuda.getMessage());
        IllegalArgumentException unknown =
                assertThrows(IllegalArgumentException.class, () -> Device.named("tpu"));
        assertTrue(unknown.getMessage().contains("\"tpu\""), unknown.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Device.named("cpu:1"));
        assertThrows(IllegalArgumentException.class, () -> Device.named("cuda:"));
    }

    @Test
    void theThreadCountIsChecked() {
        assertThrows(IllegalArgumentException.class, () -> Device.cpu(-1).open());
        try (Backend backend = Device.cpu(1).open()) {
            assertTrue(backend.description().contains("1 thread"), backend.description());
        }
    }
}
