package dev.instaflow.backend.reference;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.OpsContract;

/** The F32 rounding of the reference stays within the tolerances that other backends get. */
class ReferenceOpsContractTest extends OpsContract {
    @Override
    protected Backend createBackend() {
        return new ReferenceBackend(ReferenceBackend.Precision.F32);
    }
}
