package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;

/** {@code -p engine=cpu}: ours. */
public final class CpuEngine implements Engine {
    @Override
    public String name() {
        return Engines.OURS;
    }

    @Override
    public Backend open(int threads) {
        return CpuBackend.open(new CpuSettings(threads));
    }
}
