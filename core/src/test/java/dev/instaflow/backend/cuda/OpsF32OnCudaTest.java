package dev.instaflow.backend.cuda;

import dev.instaflow.backend.reference.ReferenceBackend;

class OpsF32OnCudaTest extends CudaOpsContract {
    OpsF32OnCudaTest() {
        super(Precision.F32, ReferenceBackend.Precision.F32);
    }
}
