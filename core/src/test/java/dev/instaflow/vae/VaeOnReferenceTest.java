package dev.instaflow.vae;

import dev.instaflow.model.TestBackend;

class VaeOnReferenceTest extends VaeGoldens {
    VaeOnReferenceTest() {
        super(TestBackend.REFERENCE);
    }
}
