package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.kernels.CastKernel;
import dev.instaflow.kernels.ImageKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.tensor.Shape;
import java.io.IOException;

/**
 * Brings weights from their source to the device: as they are stored, and only there into the type and order that they are
 * used in. Thread-safe.
 */
final class WeightUploader {
    private final CudaEngine engine;

    WeightUploader(CudaEngine engine) {
        this.engine = engine;
    }

    /** Fills a weight. */
    void fill(CudaWeight weight, FloatSource values) throws IOException {
        long count = weight.shape().count();
        Storage stored = Precision.storageOf(values.stored());
        boolean turned = turns(weight);
        if (stored == weight.type() && !turned) {
            engine.transfers().write(weight.address(), values, count, weight);
            return;
        }
        Arena.Range raw = engine.pool().take(count * stored.sizeBytes(), weight);
        try {
            engine.transfers().write(raw.address(), values, count, weight);
            if (!turned) {
                cast(weight, stored, raw.address(), weight.address());
            } else if (stored == weight.type()) {
                toKernels(weight, raw.address());
            } else {
                Arena.Range typed = engine.pool().take(weight.sizeBytes(), weight);
                try {
                    cast(weight, stored, raw.address(), typed.address());
                    toKernels(weight, typed.address());
                } finally {
                    engine.pool().give(typed);
                }
            }
        } finally {
            engine.pool().give(raw);
        }
    }

    /** Whether its values lie in another order than in the file; kernels of one pixel do not. */
    private static boolean turns(CudaWeight weight) {
        return weight.form() == CudaWeight.Form.CONV && taps(weight.shape()) > 1;
    }

    private static int taps(Shape shape) {
        return shape.intSize(2) * shape.intSize(3);
    }

    private void cast(CudaWeight weight, Storage from, long x, long y) {
        long count = weight.shape().count();
        engine.launcher().launch(CastKernel.cast(from, weight.type(), y, x, count), weight);
    }

    private void toKernels(CudaWeight weight, long from) {
        Shape shape = weight.shape();
        ImageKernel.Matrices matrices =
                new ImageKernel.Matrices(shape.intSize(0), shape.intSize(1), taps(shape));
        engine.launcher()
                .launch(
                        ImageKernel.transpose(weight.type(), weight.address(), from, matrices),
                        weight);
    }

    /** Copies the values of a weight in the order of the file. */
    void unpack(CudaWeight weight, long to) {
        if (turns(weight)) {
            toFile(engine, weight.type(), weight.shape(), weight.address(), to, weight);
        } else {
            engine.transfers().copy(weight.address(), to, weight.sizeBytes(), weight);
        }
    }

    /** Turns kernels [Co,K,K,Ci] into those of a file, [Co,Ci,K,K], whose shape is given. */
    static void toFile(
            CudaEngine engine, Storage type, Shape shape, long from, long to, Object what) {
        ImageKernel.Matrices matrices =
                new ImageKernel.Matrices(shape.intSize(0), taps(shape), shape.intSize(1));
        engine.launcher().launch(ImageKernel.transpose(type, to, from, matrices), what);
    }
}
