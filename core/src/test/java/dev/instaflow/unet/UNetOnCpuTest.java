package dev.instaflow.unet;

import dev.instaflow.model.TestBackend;

class UNetOnCpuTest extends UNetGoldens {
    UNetOnCpuTest() {
        super(TestBackend.CPU);
    }
}
