package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.OpsContract;
import dev.instaflow.backend.WeightStorage;

/** The contract once more, each weight packed when it is used. */
class StoredWeightsContractTest extends OpsContract {
    @Override
    protected Backend createBackend() {
        return CpuBackend.open(new CpuSettings(0, WeightStorage.AS_STORED));
    }
}
