package dev.instaflow.clip;

import dev.instaflow.model.TestBackend;

class TextOnReferenceTest extends TextGoldens {
    TextOnReferenceTest() {
        super(TestBackend.REFERENCE);
    }
}
