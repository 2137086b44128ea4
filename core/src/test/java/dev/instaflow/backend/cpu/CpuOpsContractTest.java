package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.OpsContract;

/** oneDNN and the Java loops around it compute what the contract says. */
class CpuOpsContractTest extends OpsContract {
    @Override
    protected Backend createBackend() {
        return CpuBackend.open(CpuSettings.AUTOMATIC);
    }
}
