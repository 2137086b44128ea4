package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendProvider;
import dev.instaflow.backend.WeightStorage;

/** Offers {@link CpuBackend}. */
public final class CpuProvider implements BackendProvider {
    /** Called by the service loader. */
    public CpuProvider() {}

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public Probe probe() {
        CpuFindings found = CpuFindings.ofThisMachine();
        return found.engine()
                .map(engine -> new Probe(true, engine + ", processors: " + found.processors()))
                .orElseGet(() -> new Probe(false, found.obstacle().orElse("")));
    }

    @Override
    public Backend open(int threads) {
        return open(threads, WeightStorage.PACKED);
    }

    @Override
    public Backend open(int threads, WeightStorage weights) {
        return CpuBackend.open(new CpuSettings(threads, weights));
    }
}
