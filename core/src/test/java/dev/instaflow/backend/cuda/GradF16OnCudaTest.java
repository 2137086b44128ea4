package dev.instaflow.backend.cuda;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.standin.StandInSettings;

/** Kernels run compiled: what the sanitiser looks for does not depend on the precision that much. */
class GradF16OnCudaTest extends CudaGradOpsContract {
    GradF16OnCudaTest() {
        super(StandInSettings.fast(), Precision.F16, ReferenceBackend.Precision.F16);
    }
}
