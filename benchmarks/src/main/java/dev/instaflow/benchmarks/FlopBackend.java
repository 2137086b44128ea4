package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Storage;
import dev.instaflow.tensor.Tensor;

/** Tensors without memory and operations that only count: see {@link FlopOps}. Serves one thread. */
final class FlopBackend implements Backend {
    private static final Storage NOTHING =
            new Storage() {
                @Override
                public void retain() {
                    // no memory to keep
                }

                @Override
                public void release() {
                    // no memory to free
                }
            };

    private double flops;

    static Tensor tensor(String name, Shape shape) {
        return new Tensor(name, shape, DType.F32, NOTHING);
    }

    void count(double more) {
        flops += more;
    }

    /** What has been counted since this was asked last. */
    double take() {
        double taken = flops;
        flops = 0;
        return taken;
    }

    @Override
    public String description() {
        return "counts and computes nothing";
    }

    @Override
    public Scope openScope(String name) {
        return TensorScope.root(name, scope -> new FlopOps(this, scope));
    }

    /** Reads nothing. */
    @Override
    public Tensor upload(String name, WeightForm form, Shape shape, FloatSource values) {
        return tensor(name, shape);
    }

    @Override
    public long heldBytes() {
        return 0;
    }

    @Override
    public void close() {
        // nothing native behind it
    }
}
