package dev.instaflow.backend.reference;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendProvider;

/** Offers {@link ReferenceBackend}, which runs wherever Java does. */
public final class ReferenceProvider implements BackendProvider {
    /** A provider of backends that round to F32. */
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
    public Backend open() {
        return new ReferenceBackend(ReferenceBackend.Precision.F32);
    }
}
