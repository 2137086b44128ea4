package dev.instaflow.benchmarks.onnx;

import dev.instaflow.backend.Backend;
import dev.instaflow.benchmarks.Engine;

/** {@code -p engine=onnx}. */
public final class OnnxEngine implements Engine {
    @Override
    public String name() {
        return "onnx";
    }

    @Override
    public Backend open(int threads) {
        return new OnnxBackend(threads);
    }
}
