package dev.instaflow.train;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.cuda.CudaTestDevice;
import dev.instaflow.backend.cuda.Precision;
import dev.instaflow.standin.StandInSettings;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;

/** On a GPU, or through the real JCuda on the stand-in of its driver: as close to PyTorch as the CPU has to be. */
class OracleTrainingOnCudaTest extends OracleTraining {
    private CudaTestDevice device;

    @Override
    Stream<Case> cases() {
        Supplier<TrainingBackend> cuda =
                () -> {
                    device = CudaTestDevice.start(StandInSettings.fast());
                    return device.open(Precision.F32);
                };
        return Stream.of(unet64(Tape.Memory.KEEP, cuda), tiny(Tape.Memory.RECOMPUTE, cuda));
    }

    @AfterEach
    void nothingIsLeft() {
        device.requireNoLeaks();
    }
}
