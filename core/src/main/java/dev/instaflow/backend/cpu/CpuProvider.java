package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendProvider;
import dev.instaflow.backend.BackendUnavailableException;
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
        try {
            OneDnn.load();
            int processors = CpuSettings.AUTOMATIC.resolvedThreads();
            return new Probe(true, "oneDNN " + OneDnn.version() + ", processors: " + processors);
        } catch (BackendUnavailableException e) {
            return new Probe(false, e.getMessage());
        }
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
