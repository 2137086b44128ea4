package dev.instaflow.unet;

import dev.instaflow.model.TestBackend;

class UNetOnReferenceTest extends UNetGoldens {
    UNetOnReferenceTest() {
        super(TestBackend.REFERENCE);
    }
}
