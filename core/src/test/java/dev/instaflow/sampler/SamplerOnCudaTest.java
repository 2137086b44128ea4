package dev.instaflow.sampler;

import dev.instaflow.model.TestBackend;

class SamplerOnCudaTest extends SamplerGoldens {
    SamplerOnCudaTest() {
        super(TestBackend.CUDA);
    }
}
