package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Bytes;
import dev.instaflow.backend.CountedStorage;
import dev.instaflow.tensor.Shape;

/** Native memory behind a tensor: row-major F32 values, unless it is a {@link PackedWeight}. */
class CpuStorage extends CountedStorage {
    private final CpuEngine engine;
    private final String name;
    private final Shape shape;
    private final MemoryPool.Block block;

    /** Pooled memory for the values of that shape. */
    CpuStorage(CpuEngine engine, String name, Shape shape) {
        super(engine.live());
        this.engine = engine;
        this.name = name;
        this.shape = shape;
        this.block = engine.pool().take(bytesOf(shape.count()), this);
        engine.live().add(this);
    }

    /** A block that was made for it. */
    CpuStorage(CpuEngine engine, String name, Shape shape, MemoryPool.Block block) {
        super(engine.live());
        this.engine = engine;
        this.name = name;
        this.shape = shape;
        this.block = block;
        engine.live().add(this);
    }

    /** The bytes of that many values. */
    static long bytesOf(long count) {
        return Math.multiplyExact(count, FloatCursor.FLOAT_BYTES);
    }

    CpuEngine engine() {
        return engine;
    }

    Shape shape() {
        return shape;
    }

    /** Bytes that the values take. */
    long sizeBytes() {
        return bytesOf(shape.count());
    }

    long address() {
        return block.address();
    }

    @Override
    protected void free() {
        engine.pool().give(block);
    }

    /** As {@code "h" [2,64,64,320] F32, 10.0 MiB}. */
    @Override
    public String toString() {
        return '"' + name + "\" " + shape + " F32, " + Bytes.text(sizeBytes());
    }
}
