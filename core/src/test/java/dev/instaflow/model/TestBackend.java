package dev.instaflow.model;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.reference.ReferenceBackend;
import java.util.function.Supplier;

/** The backends that the models are checked on. */
public enum TestBackend {
    REFERENCE(() -> new ReferenceBackend(ReferenceBackend.Precision.F32)),
    CPU(() -> CpuBackend.open(CpuSettings.AUTOMATIC));

    private final Supplier<Backend> opener;

    TestBackend(Supplier<Backend> opener) {
        this.opener = opener;
    }

    public Backend open() {
        return opener.get();
    }
}
