package dev.instaflow.clip;

import dev.instaflow.model.TestBackend;

class TextOnCudaTest extends TextGoldens {
    TextOnCudaTest() {
        super(TestBackend.CUDA);
    }
}
