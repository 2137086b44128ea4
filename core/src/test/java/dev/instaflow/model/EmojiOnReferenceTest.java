package dev.instaflow.model;

class EmojiOnReferenceTest extends EmojiGoldens {
    EmojiOnReferenceTest() {
        super(TestBackend.REFERENCE);
    }
}
