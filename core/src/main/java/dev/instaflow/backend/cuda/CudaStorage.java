package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.backend.Bytes;
import dev.instaflow.backend.CountedStorage;
import dev.instaflow.kernels.Storage;
import dev.instaflow.tensor.Shape;

/** Device memory behind a tensor: row-major values, unless it is a {@link CudaWeight}. */
class CudaStorage extends CountedStorage {
    private final CudaEngine engine;
    private final String name;
    private final Shape shape;
    private final Storage type;
    private final Arena.Range memory;

    /** Memory of the pool for the values of that shape. */
    CudaStorage(
            CudaEngine engine, DevicePool.Purpose purpose, String name, Shape shape, Storage type) {
        super(engine.live());
        this.engine = engine;
        this.name = name;
        this.shape = shape;
        this.type = type;
        this.memory = engine.pool().take(purpose, sizeBytes(), this);
        engine.live().add(this);
    }

    CudaEngine engine() {
        return engine;
    }

    Shape shape() {
        return shape;
    }

    /** Of an element. */
    Storage type() {
        return type;
    }

    /** Of the first element; aligned as {@link DevicePool#ALIGNMENT} says. */
    long address() {
        return memory.address();
    }

    /** Bytes that the values take. */
    final long sizeBytes() {
        return Math.multiplyExact(shape.count(), type.sizeBytes());
    }

    @Override
    protected void free() {
        engine.pool().give(memory);
    }

    /** As {@code "h" [2,64,64,320] F16, 5.0 MiB}. */
    @Override
    public String toString() {
        return '"' + name + "\" " + shape + ' ' + type + ", " + Bytes.text(sizeBytes());
    }
}
