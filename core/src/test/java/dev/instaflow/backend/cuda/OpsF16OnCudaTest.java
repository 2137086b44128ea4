package dev.instaflow.backend.cuda;

import dev.instaflow.backend.reference.ReferenceBackend;

class OpsF16OnCudaTest extends CudaOpsContract {
    OpsF16OnCudaTest() {
        super(Precision.F16, ReferenceBackend.Precision.F16);
    }
}
