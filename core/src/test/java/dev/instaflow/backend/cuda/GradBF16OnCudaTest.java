package dev.instaflow.backend.cuda;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.standin.StandInSettings;

/** Kernels run compiled: what the sanitiser looks for does not depend on the precision that much. */
class GradBF16OnCudaTest extends CudaGradOpsContract {
    GradBF16OnCudaTest() {
        super(StandInSettings.fast(), Precision.BF16, ReferenceBackend.Precision.BF16);
    }
}
