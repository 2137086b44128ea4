package dev.instaflow.benchmarks.torch;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.OpsContract;

/** The peer computes what our backends do, within their tolerances, so that timing it means something. */
class TorchOpsContractTest extends OpsContract {
    @Override
    protected Backend createBackend() {
        return new TorchBackend(1);
    }

    /**
     * libtorch's channels-last kernel takes the variance as mean(x^2) - mean(x)^2 in F32: 10^4 * 2^-24
     * = 6e-4 a rounding on a variance of 1, a few of them, times values of up to about 10.
     */
    @Override
    protected double toleranceOfAMeanOf100() {
        return 2e-2;
    }
}
