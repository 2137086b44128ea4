package dev.instaflow.sampler;

import dev.instaflow.model.TestBackend;

class SamplerOnCpuTest extends SamplerGoldens {
    SamplerOnCpuTest() {
        super(TestBackend.CPU);
    }
}
