package dev.instaflow.benchmarks.torch;

import dev.instaflow.backend.Backend;
import dev.instaflow.benchmarks.Engine;

/** {@code -p engine=torch}. */
public final class TorchEngine implements Engine {
    @Override
    public String name() {
        return "torch";
    }

    @Override
    public Backend open(int threads) {
        return new TorchBackend(threads);
    }
}
