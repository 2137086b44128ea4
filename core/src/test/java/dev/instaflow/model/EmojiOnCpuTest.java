package dev.instaflow.model;

class EmojiOnCpuTest extends EmojiGoldens {
    EmojiOnCpuTest() {
        super(TestBackend.CPU);
    }
}
