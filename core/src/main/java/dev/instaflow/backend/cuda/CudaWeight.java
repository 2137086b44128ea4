package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.kernels.CastKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.tensor.Shape;
import java.util.EnumMap;
import java.util.Map;

/**
 * A weight: a vector or a table as it is, a matrix [Out,In], or a convolution's kernels as cuDNN wants them beside
 * channels-last images, [Co,K,K,Ci]. What is kept in F32 makes a narrower copy where an operation asks for it, once.
 */
final class CudaWeight extends CudaStorage {
    /** What it was uploaded for. */
    enum Form {
        /** Anything that reads it as it is. */
        PLAIN,
        /** {@code linear}. */
        LINEAR,
        /** {@code conv2d}. */
        CONV
    }

    private final Form form;
    private final Map<Storage, Arena.Range> copies = new EnumMap<>(Storage.class);

    CudaWeight(CudaEngine engine, Form form, String name, Shape shape, Storage type) {
        super(engine, DevicePool.Purpose.WEIGHTS, name, shape, type);
        this.form = form;
    }

    Form form() {
        return form;
    }

    /** The address of the values in some type. */
    long address(Storage wanted) {
        return wanted == type() ? address() : copyIn(wanted);
    }

    private long copyIn(Storage wanted) {
        return engine().context()
                .exclusively(() -> copies.computeIfAbsent(wanted, this::convert).address());
    }

    private Arena.Range convert(Storage wanted) {
        long bytes = shape().count() * wanted.sizeBytes();
        Arena.Range copy = engine().pool().take(DevicePool.Purpose.WEIGHTS, bytes, this);
        refresh(wanted, copy);
        return copy;
    }

    private void refresh(Storage wanted, Arena.Range copy) {
        long count = shape().count();
        engine().launcher()
                .launch(CastKernel.cast(type(), wanted, copy.address(), address(), count), this);
    }

    /** Brings the copies up to date after the values have changed. */
    void refreshCopies() {
        engine().context()
                .exclusively(
                        () -> {
                            copies.forEach(this::refresh);
                            return copies;
                        });
    }

    @Override
    protected void free() {
        // Recorded programs know its address.
        engine().recordings().forgetAll();
        super.free();
        copies.values().forEach(engine().pool()::give);
        copies.clear();
    }
}
