package dev.instaflow.benchmarks.onnx;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.OpsContract;

/** The peer computes what our backends do, within their tolerances, so that timing it means something. */
class OnnxOpsContractTest extends OpsContract {
    @Override
    protected Backend createBackend() {
        return new OnnxBackend(1);
    }

    /** ONNX Runtime's layer norm takes the variance as mean(x^2) - mean(x)^2 in F32, as libtorch does. */
    @Override
    protected double toleranceOfAMeanOf100() {
        return 2e-2;
    }
}
