package dev.instaflow.model;

class EmojiOnCudaTest extends EmojiGoldens {
    EmojiOnCudaTest() {
        super(TestBackend.CUDA);
    }
}
