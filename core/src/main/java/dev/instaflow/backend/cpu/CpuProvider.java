package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendProvider;
import dev.instaflow.backend.BackendUnavailableException;
import java.util.Objects;

/** Offers {@link CpuBackend}. */
public final class CpuProvider implements BackendProvider {
    private final CpuSettings settings;

    /**
     * A provider of backends with these settings.
     *
     * @param settings thread count
     */
    public CpuProvider(CpuSettings settings) {
        this.settings = Objects.requireNonNull(settings, "settings");
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public Probe probe() {
        try {
            OneDnn.load();
            return new Probe(
                    true,
                    "oneDNN " + OneDnn.version() + ", " + settings.resolvedThreads() + " threads");
        } catch (BackendUnavailableException e) {
            return new Probe(false, e.getMessage());
        }
    }

    @Override
    public Backend open() {
        return CpuBackend.open(settings);
    }
}
