package dev.instaflow.vae;

import dev.instaflow.model.TestBackend;

class VaeOnCpuTest extends VaeGoldens {
    VaeOnCpuTest() {
        super(TestBackend.CPU);
    }
}
