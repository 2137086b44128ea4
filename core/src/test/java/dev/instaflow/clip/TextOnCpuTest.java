package dev.instaflow.clip;

import dev.instaflow.model.TestBackend;

class TextOnCpuTest extends TextGoldens {
    TextOnCpuTest() {
        super(TestBackend.CPU);
    }
}
