package dev.instaflow.backend.cuda;

import dev.instaflow.backend.TensorScope;
import dev.instaflow.kernels.CastKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** Brings values to the heap as F32 in the order of the file, whatever they are on the device. */
final class Reading {
    /** 16 bytes of the narrowest type: where the kernel may begin. */
    private static final int ALIGNMENT = 8;

    private final CudaOps ops;
    private final ReadAhead readAhead = new ReadAhead();

    Reading(CudaOps ops) {
        this.ops = ops;
    }

    /** Waits for the values. */
    void read(Tensor x, long first, float[] target, int length) {
        CudaStorage storage = ops.engine().storage(x);
        if (storage instanceof CudaWeight) {
            readNow(x, first, target, length);
        } else if (length > 0) {
            readAhead.read(
                    storage,
                    first,
                    target,
                    length,
                    (from, values, count) -> readNow(x, from, values, count));
        }
    }

    private void readNow(Tensor x, long first, float[] target, int length) {
        try (TensorScope apart = ops.openApart("read")) {
            readPlain((CudaOps) apart.ops(), x, first, target, length);
        }
    }

    /** What has to be turned or widened first is so on the device, in the scope of {@code apart}. */
    private static void readPlain(CudaOps apart, Tensor x, long first, float[] target, int length) {
        CudaEngine engine = apart.engine();
        long address = apart.operands().inFileOrder(x);
        Storage type = apart.operands().typeOf(x);
        long start = first;
        if (type != Storage.F32) {
            long aligned = first / ALIGNMENT * ALIGNMENT;
            long count = first + length - aligned;
            Tensor wide = apart.result(x.name(), Shape.of(count), Storage.F32);
            long from = address + aligned * type.sizeBytes();
            address = engine.storage(wide).address();
            engine.launcher().launch(CastKernel.cast(type, Storage.F32, address, from, count), x);
            start = first - aligned;
        }
        engine.transfers().read(address + start * Float.BYTES, target, length, x);
    }
}
