package dev.instaflow.backend.reference;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendProvider;

/** Offers {@link ReferenceBackend}, which runs wherever Java does. */
public final class ReferenceProvider implements BackendProvider {
    /** Called by the service loader. */
    public ReferenceProvider() {}

    @Override
    public String name() {
        return "reference";
    }

    @Override
    public Probe probe() {
        return new Probe(true, "plain Java loops, slow, for checking other backends");
    }

    @Override
    public Backend open(int threads) {
        if (threads < 0) {
            throw new IllegalArgumentException("reference backend with " + threads + " threads");
        }
        return new ReferenceBackend(ReferenceBackend.Precision.F32);
    }
}
