package dev.instaflow.backend.cpu;

import dev.instaflow.backend.GradOpsContract;
import dev.instaflow.backend.TrainingBackend;

/** Gradients by oneDNN and the Java loops around it are what the contract says. */
class CpuGradOpsContractTest extends GradOpsContract {
    @Override
    protected TrainingBackend createBackend() {
        return CpuBackend.open(CpuSettings.TRAINING);
    }
}
