package dev.instaflow.vae;

import dev.instaflow.model.TestBackend;

class VaeOnCudaTest extends VaeGoldens {
    VaeOnCudaTest() {
        super(TestBackend.CUDA);
    }
}
