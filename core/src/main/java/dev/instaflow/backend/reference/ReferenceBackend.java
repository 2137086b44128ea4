package dev.instaflow.backend.reference;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.LiveTensors;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;

/** Plain loops on the heap. Thread-safe as {@link Backend} asks; it uses no threads of its own. */
public final class ReferenceBackend implements TrainingBackend {
    /** What a result is rounded to after each operation; sums are always in double. */
    public enum Precision {
        /** To F32, as the CPU stores it. */
        F32(24, -126),
        /** Not at all: for finite differences, and to measure the rounding of others. */
        F64(53, -1022),
        /** To F16: what error to expect of a device that stores that. */
        F16(11, -14),
        /** To BF16. */
        BF16(8, -126);

        private final int significantBits;
        private final int leastExponent;

        Precision(int significantBits, int leastExponent) {
            this.significantBits = significantBits;
            this.leastExponent = leastExponent;
        }

        /** The nearest number of this precision, ties to even. */
        double round(double value) {
            if (this == F64 || value == 0 || Double.isNaN(value) || Double.isInfinite(value)) {
                return value;
            }
            if (this == F32) {
                return (float) value;
            }
            int exponent = Math.max(Math.getExponent(value), leastExponent);
            double step = Math.scalb(1.0, exponent - significantBits + 1);
            double rounded = Math.rint(value / step) * step;
            return this == F16 && Math.abs(rounded) > LARGEST_F16
                    ? Math.copySign(Double.POSITIVE_INFINITY, value)
                    : (double) (float) rounded;
        }

        private static final double LARGEST_F16 = 65_504;
    }

    private static final int UPLOAD_CHUNK = 1 << 16;

    private final Precision precision;
    private final LiveTensors live = new LiveTensors();

    /**
     * A backend that computes with the given rounding.
     *
     * @param precision what results are rounded to
     */
    public ReferenceBackend(Precision precision) {
        this.precision = precision;
    }

    @Override
    public String description() {
        return "reference (plain Java, " + precision + ")";
    }

    @Override
    public Scope openScope(String name) {
        return TensorScope.root(name, scope -> new ReferenceOps(this, scope));
    }

    @Override
    public Tensor upload(String name, WeightForm form, Shape shape, FloatSource values)
            throws IOException {
        double[] all = new double[Math.toIntExact(shape.count())];
        read(values, all);
        return adopt(name, shape, all);
    }

    private static void read(FloatSource values, double[] all) throws IOException {
        float[] chunk = new float[Math.min(all.length, UPLOAD_CHUNK)];
        for (int done = 0; done < all.length; done += chunk.length) {
            int length = Math.min(chunk.length, all.length - done);
            values.read(done, chunk, 0, length);
            for (int i = 0; i < length; i++) {
                all[done + i] = chunk[i];
            }
        }
    }

    @Override
    public GradOps gradients(Ops ops) {
        if (ops instanceof ReferenceOps reference && reference.backend() == this) {
            return new ReferenceGradOps(this, reference.scope());
        }
        throw new IllegalArgumentException("gradients for operations of another backend: " + ops);
    }

    @Override
    public void update(Tensor weight, FloatSource values) throws IOException {
        read(values, values(weight));
    }

    /** Makes a tensor of values that nobody else will write, rounding them to the precision. */
    Tensor adopt(String name, Shape shape, double[] values) {
        for (int i = 0; i < values.length && precision != Precision.F64; i++) {
            values[i] = precision.round(values[i]);
        }
        DType dtype = DType.valueOf(precision.name());
        String label = '"' + name + "\" " + shape + ' ' + dtype;
        return new Tensor(name, shape, dtype, new HeapStorage(label, values, live));
    }

    /**
     * The values behind a tensor of this backend, in full precision.
     *
     * @param tensor made by a {@code ReferenceBackend}
     * @return row-major, the tensor's own array: writing to it changes the tensor
     */
    public static double[] values(Tensor tensor) {
        if (tensor.storage() instanceof HeapStorage heap) {
            return heap.values;
        }
        throw new IllegalArgumentException("tensor " + tensor + " is not on the reference backend");
    }

    @Override
    public long heldBytes() {
        return 0;
    }

    @Override
    public void close() {
        live.requireNone("reference");
    }
}
