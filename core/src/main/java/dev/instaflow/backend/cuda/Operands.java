package dev.instaflow.backend.cuda;

import dev.instaflow.kernels.CastKernel;
import dev.instaflow.kernels.ChannelsKernel;
import dev.instaflow.kernels.ElementwiseKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.Activation;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** Tensors as the operations of one scope want them: their addresses in some type. */
final class Operands {
    /** Makes a tensor that lives as long as the scope. */
    @FunctionalInterface
    interface Maker {
        Tensor make(String name, Shape shape, Storage type);
    }

    private final CudaEngine engine;
    private final Maker maker;

    Operands(CudaEngine engine, Maker maker) {
        this.engine = engine;
        this.maker = maker;
    }

    /** What an element is. */
    Storage typeOf(Tensor x) {
        return engine.storage(x).type();
    }

    /** The type that keeps both; of F16 and BF16 that is neither. */
    Storage wider(Tensor a, Tensor b) {
        Storage type = typeOf(a);
        return type == typeOf(b) ? type : Storage.F32;
    }

    /** The address of row-major values in a type; of a converted copy where the tensor has another. */
    long of(Tensor x, Storage type) {
        CudaStorage storage = engine.storage(x);
        if (storage instanceof CudaWeight weight) {
            requirePlain(weight);
            return weight.address(type);
        }
        if (storage.type() == type) {
            return storage.address();
        }
        Tensor copy = maker.make(x.name(), x.shape(), type);
        long address = engine.storage(copy).address();
        long count = x.shape().count();
        engine.launcher()
                .launch(
                        CastKernel.cast(storage.type(), type, address, storage.address(), count),
                        x);
        return address;
    }

    private static void requirePlain(CudaWeight weight) {
        if (weight.form() == CudaWeight.Form.CONV) {
            throw new IllegalArgumentException(
                    "weight " + weight + " is packed as a CONV weight and cannot be read as it is");
        }
    }

    /** The address of a weight that was uploaded for a use. */
    long weight(Tensor weight, CudaWeight.Form form, Storage type) {
        if (engine.storage(weight) instanceof CudaWeight packed && packed.form() == form) {
            return packed.address(type);
        }
        throw new IllegalArgumentException(
                "weight " + weight + " was not uploaded as a " + form + " weight");
    }

    /** The address of a tensor's values in the order of the file, in their own type. */
    long inFileOrder(Tensor x) {
        CudaStorage storage = engine.storage(x);
        if (storage instanceof CudaWeight weight && weight.form() == CudaWeight.Form.CONV) {
            Tensor plain = maker.make(x.name(), x.shape(), weight.type());
            long address = engine.storage(plain).address();
            new WeightUploader(engine).unpack(weight, address);
            return address;
        }
        return storage.address();
    }

    /** A tensor as a matrix of its channels. */
    static ChannelsKernel.Extents rowsOf(Shape shape) {
        return new ChannelsKernel.Extents(shape.count() / shape.size(-1), shape.intSize(-1));
    }

    /** The kernel's name of an activation that does something. */
    static ElementwiseKernel.Unary unary(Activation activation) {
        return switch (activation) {
            case SILU -> ElementwiseKernel.Unary.SILU;
            case GELU -> ElementwiseKernel.Unary.GELU;
            case QUICK_GELU -> ElementwiseKernel.Unary.QUICKGELU;
            case IDENTITY -> throw new IllegalArgumentException("no kernel computes nothing");
        };
    }
}
