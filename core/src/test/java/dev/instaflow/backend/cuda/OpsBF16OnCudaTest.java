package dev.instaflow.backend.cuda;

import dev.instaflow.backend.reference.ReferenceBackend;

class OpsBF16OnCudaTest extends CudaOpsContract {
    OpsBF16OnCudaTest() {
        super(Precision.BF16, ReferenceBackend.Precision.BF16);
    }
}
