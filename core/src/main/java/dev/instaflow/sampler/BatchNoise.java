package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.List;
import java.util.stream.LongStream;

/**
 * The noise of a batch, one stream an image, so that an image does not depend on its batch mates. The
 * first draw is the start, the next ones are for the samplers that add noise, as with a list of
 * generators in diffusers. Numbers are drawn in the order {@code [C,h,w]} of a file, as torch would for
 * {@code [1,C,h,w]}, and stored channels last. Not thread-safe.
 */
public final class BatchNoise implements StepNoise {
    private final List<NoiseStream> streams;
    private final NoiseBuffer buffer;

    private BatchNoise(List<NoiseStream> streams, NoiseBuffer buffer) {
        this.streams = streams;
        this.buffer = buffer;
    }

    /**
     * Streams of consecutive seeds.
     *
     * @param source which generator
     * @param firstSeed seed of image 0; image i has {@code firstSeed + i}
     * @param images at least 1
     * @return streams at their beginnings
     */
    public static BatchNoise of(NoiseSource source, long firstSeed, int images) {
        return of(source, firstSeed, images, new NoiseBuffer());
    }

    /**
     * Streams of consecutive seeds that draw in given arrays.
     *
     * @param source which generator
     * @param firstSeed seed of image 0; image i has {@code firstSeed + i}
     * @param images at least 1
     * @param buffer used by nobody else as long as noise is drawn
     * @return streams at their beginnings
     */
    public static BatchNoise of(
            NoiseSource source, long firstSeed, int images, NoiseBuffer buffer) {
        if (images < 1) {
            throw new IllegalArgumentException("noise for " + images + " images");
        }
        LongStream seeds = LongStream.range(0, images).map(i -> firstSeed + i);
        return new BatchNoise(seeds.mapToObj(source::stream).toList(), buffer);
    }

    /**
     * Streams of given seeds.
     *
     * @param source which generator
     * @param seeds one an image
     * @return streams at their beginnings
     */
    public static BatchNoise of(NoiseSource source, long... seeds) {
        return new BatchNoise(
                LongStream.of(seeds).mapToObj(source::stream).toList(), new NoiseBuffer());
    }

    /**
     * The noise that one image begins with, on the heap: what {@link #next} gives first for this seed.
     *
     * @param source which generator
     * @param seed of the image
     * @param sample [h,w,C]
     * @return normal numbers, channels last
     */
    public static float[] image(NoiseSource source, long seed, Shape sample) {
        float[] drawn = source.stream(seed).normals(Math.toIntExact(sample.count()));
        float[] values = new float[drawn.length];
        writeChannelsLast(drawn, sample.intSize(2), values, 0);
        return values;
    }

    /**
     * The next draw of every stream.
     *
     * @param ops owns the result
     * @param shape [N,h,w,C], N as many as streams
     * @return normal numbers
     * @throws IllegalArgumentException if N is another number
     */
    @Override
    public Tensor next(Ops ops, Shape shape) {
        if (shape.rank() != 4 || shape.size(0) != streams.size()) {
            throw new IllegalArgumentException(
                    "noise of %d images cannot fill %s".formatted(streams.size(), shape));
        }
        int perImage = Math.toIntExact(shape.count() / streams.size());
        float[] image = buffer.drawn(perImage);
        float[] values = buffer.ordered(Math.toIntExact(shape.count()));
        for (int n = 0; n < streams.size(); n++) {
            streams.get(n).fill(image);
            writeChannelsLast(image, shape.intSize(3), values, n * perImage);
        }
        return ops.tensor("noise", shape, values);
    }

    private static void writeChannelsLast(float[] image, int channels, float[] values, int start) {
        int pixels = image.length / channels;
        for (int c = 0; c < channels; c++) {
            for (int i = 0; i < pixels; i++) {
                values[start + i * channels + c] = image[c * pixels + i];
            }
        }
    }
}
