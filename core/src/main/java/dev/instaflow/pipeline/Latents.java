package dev.instaflow.pipeline;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * Latents or noise of several images on the heap, channels first as files have it.
 *
 * @param count images
 * @param channels of the model's latents
 * @param height rows, in latent pixels
 * @param width columns, in latent pixels
 * @param values [count,channels,height,width], not copied
 */
public record Latents(int count, int channels, int height, int width, float[] values) {
    /** Checks the count of the values. */
    public Latents {
        long expected = (long) count * channels * height * width;
        if (count < 1 || values.length != expected) {
            throw new IllegalArgumentException(
                    "%d values for latents [%d,%d,%d,%d]"
                            .formatted(values.length, count, channels, height, width));
        }
    }

    /** Those of image {@code index} of a tensor [N,h,w,C]; a row at a time, to make no garbage. */
    static Latents read(Ops ops, Tensor nhwc, int index) {
        int height = nhwc.shape().intSize(1);
        int width = nhwc.shape().intSize(2);
        int channels = nhwc.shape().intSize(3);
        float[] row = new float[Math.multiplyExact(width, channels)];
        float[] values = new float[Math.multiplyExact(row.length, height)];
        for (int y = 0; y < height; y++) {
            ops.read(nhwc, ((long) index * height + y) * row.length, row, row.length);
            for (int i = 0; i < row.length; i++) {
                values[(i % channels * height + y) * width + i / channels] = row[i];
            }
        }
        return new Latents(1, channels, height, width, values);
    }

    /**
     * Latents or noise from a file of another program.
     *
     * @param file [N,C,h,w], F32
     * @return the same latents
     * @throws IllegalArgumentException if it has another rank
     */
    public static Latents of(Npy file) {
        Shape shape = file.shape();
        if (shape.rank() != 4) {
            throw new IllegalArgumentException("latents should be [N,C,h,w], found " + shape);
        }
        return new Latents(
                shape.intSize(0),
                shape.intSize(1),
                shape.intSize(2),
                shape.intSize(3),
                file.floats());
    }

    /**
     * As a file for other programs.
     *
     * @return [count,channels,height,width]
     */
    public Npy toNpy() {
        return Npy.of(shape(), values);
    }

    /**
     * The sizes.
     *
     * @return [count,channels,height,width]
     */
    public Shape shape() {
        return Shape.of(count, channels, height, width);
    }

    /** As {@code [1,4,64,64]}. */
    @Override
    public String toString() {
        return shape().toString();
    }
}
