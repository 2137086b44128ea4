package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.OpsContract;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.standin.StandInSettings;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** What every backend computes, in one precision, under the emulator's sanitiser. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class CudaOpsContract extends OpsContract {
    private final Precision precision;
    private final ReferenceBackend.Precision rounding;
    private CudaTestDevice device;

    CudaOpsContract(Precision precision, ReferenceBackend.Precision rounding) {
        this.precision = precision;
        this.rounding = rounding;
    }

    @BeforeAll
    void start() {
        device = CudaTestDevice.start(StandInSettings.checked());
    }

    @AfterAll
    void leavesNothing() {
        device.requireNoLeaks();
    }

    @Override
    protected Backend createBackend() {
        return device.openApart(precision);
    }

    @Override
    protected ReferenceBackend.Precision storage() {
        return rounding;
    }
}
