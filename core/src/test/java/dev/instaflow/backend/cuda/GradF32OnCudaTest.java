package dev.instaflow.backend.cuda;

import dev.instaflow.backend.reference.ReferenceBackend;

class GradF32OnCudaTest extends CudaGradOpsContract {
    GradF32OnCudaTest() {
        super(Precision.F32, ReferenceBackend.Precision.F32);
    }
}
