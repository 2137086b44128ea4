package dev.instaflow.backend.cuda;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.standin.StandInSettings;

/** Under the emulator's sanitiser, every tensor in memory of its own. */
class GradF32OnCudaTest extends CudaGradOpsContract {
    GradF32OnCudaTest() {
        super(StandInSettings.checked(), Precision.F32, ReferenceBackend.Precision.F32);
    }
}
