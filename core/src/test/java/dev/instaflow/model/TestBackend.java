package dev.instaflow.model;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.cuda.CudaTestDevice;
import dev.instaflow.backend.cuda.Precision;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.standin.StandInSettings;
import java.util.function.Supplier;

/** The backends that the models are checked on; CUDA only in tests named *OnCudaTest, which have a process of their own. */
public enum TestBackend {
    REFERENCE(() -> new ReferenceBackend(ReferenceBackend.Precision.F32)),
    CPU(() -> CpuBackend.open(CpuSettings.AUTOMATIC)),
    CUDA(() -> CudaTestDevice.start(StandInSettings.fast()).open(Precision.F32));

    private final Supplier<Backend> opener;

    TestBackend(Supplier<Backend> opener) {
        this.opener = opener;
    }

    public Backend open() {
        return opener.get();
    }
}
