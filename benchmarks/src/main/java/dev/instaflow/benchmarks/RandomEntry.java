package dev.instaflow.benchmarks;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/**
 * An F32 tensor whose values are computed when they are read: uniform around a mean, each from the seed,
 * the name and its index alone. A checkpoint of any size so needs no memory to be written.
 */
final class RandomEntry implements Entry {
    /** Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators": the golden gamma. */
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    /** Width of a uniform distribution of deviation 1. */
    private static final double WIDTH = Math.sqrt(12);

    private static final int MANTISSA_BITS = 24;

    private final String name;
    private final List<Long> shape;
    private final float mean;
    private final float width;
    private final long seed;

    /**
     * A tensor.
     *
     * @param name its key; another name gets other values
     * @param shape sizes
     * @param mean of its values
     * @param deviation of its values
     * @param seed of the whole file
     */
    RandomEntry(String name, List<Long> shape, double mean, double deviation, long seed) {
        this.name = name;
        this.shape = List.copyOf(shape);
        this.mean = (float) mean;
        this.width = (float) (WIDTH * deviation);
        this.seed = mix(seed + GAMMA * name.hashCode());
    }

    /** The finaliser of SplitMix64. */
    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }

    private float value(long index) {
        long bits = mix(seed + GAMMA * (index + 1)) >>> (Long.SIZE - MANTISSA_BITS);
        return mean + width * (bits * 0x1p-24f - 0.5f);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public DType dtype() {
        return DType.F32;
    }

    @Override
    public List<Long> shape() {
        return shape;
    }

    @Override
    public void readFloats(long first, float[] target, int offset, int length) throws IOException {
        check(first, length);
        Objects.checkFromIndexSize(offset, length, target.length);
        for (int i = 0; i < length; i++) {
            target[offset + i] = value(first + i);
        }
    }

    @Override
    public void readLongs(long first, long[] target, int offset, int length) throws IOException {
        check(first, length);
        Objects.checkFromIndexSize(offset, length, target.length);
        for (int i = 0; i < length; i++) {
            target[offset + i] = (long) value(first + i);
        }
    }

    @Override
    public void readBytes(long first, byte[] target, int offset, int length) throws IOException {
        check(first, length);
        ByteBuffer out = ByteBuffer.wrap(target).order(ByteOrder.LITTLE_ENDIAN);
        out.position(offset);
        for (int i = 0; i < length; i++) {
            out.putFloat(value(first + i));
        }
    }

    private void check(long first, int length) {
        Objects.checkFromIndexSize(first, (long) length, count());
    }
}
