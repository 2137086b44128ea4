package dev.instaflow.backend.cuda;

import dev.instaflow.backend.GradOpsContract;
import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.WeightStorage;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.standin.StandInSettings;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** The gradients that every backend computes, in one precision, with weights that an optimiser changes. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class CudaGradOpsContract extends GradOpsContract {
    private final StandInSettings settings;
    private final Precision precision;
    private final ReferenceBackend.Precision rounding;
    private CudaTestDevice device;

    CudaGradOpsContract(
            StandInSettings settings, Precision precision, ReferenceBackend.Precision rounding) {
        this.settings = settings;
        this.precision = precision;
        this.rounding = rounding;
    }

    @BeforeAll
    void start() {
        device = CudaTestDevice.start(settings);
    }

    @AfterAll
    void leavesNothing() {
        device.requireNoLeaks();
    }

    @Override
    protected TrainingBackend createBackend() {
        return device.openApart(CudaSettings.of(precision).withWeights(WeightStorage.TRAINABLE));
    }

    @Override
    protected ReferenceBackend.Precision storage() {
        return rounding;
    }
}
