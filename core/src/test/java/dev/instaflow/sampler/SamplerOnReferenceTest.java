package dev.instaflow.sampler;

import dev.instaflow.model.TestBackend;

class SamplerOnReferenceTest extends SamplerGoldens {
    SamplerOnReferenceTest() {
        super(TestBackend.REFERENCE);
    }
}
