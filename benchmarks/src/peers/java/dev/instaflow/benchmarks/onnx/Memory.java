package dev.instaflow.benchmarks.onnx;

import dev.instaflow.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/** Values on their way in and out: direct memory, images channels-first as the graph has them. */
final class Memory {
    private static final int IMAGE = 4;

    private Memory() {}

    static ByteBuffer direct(long elements, int elementBytes) {
        int bytes = Math.toIntExact(Math.multiplyExact(elements, (long) elementBytes));
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    static Value.Feed feed(Shape shape, float... values) {
        ByteBuffer data = direct(shape.count(), Float.BYTES);
        FloatBuffer floats = data.asFloatBuffer();
        if (shape.rank() == IMAGE) {
            int c = shape.intSize(3);
            int pixels = shape.intSize(1) * shape.intSize(2);
            for (int at = 0; at < values.length; at++) {
                floats.put(channelsFirst(at, pixels, c), values[at]);
            }
        } else {
            floats.put(values);
        }
        return new Value.Feed(Nodes.dims(shape), Value.Element.FLOAT, data);
    }

    /** Where the element {@code at} of [N,pixels,C] lies in [N,C,pixels]. */
    private static int channelsFirst(int at, int pixels, int c) {
        int channel = at % c;
        int pixel = at / c % pixels;
        int n = at / c / pixels;
        return (n * c + channel) * pixels + pixel;
    }

    static Value.Feed indices(Shape shape, int... ids) {
        ByteBuffer data = direct(ids.length, Long.BYTES);
        LongBuffer longs = data.asLongBuffer();
        for (int id : ids) {
            longs.put(id);
        }
        return new Value.Feed(Nodes.dims(shape), Value.Element.INT64, data);
    }

    static float[] toArray(Shape shape, FloatBuffer result) {
        float[] values = new float[Math.toIntExact(shape.count())];
        if (shape.rank() == IMAGE) {
            int c = shape.intSize(3);
            int pixels = shape.intSize(1) * shape.intSize(2);
            for (int at = 0; at < values.length; at++) {
                values[at] = result.get(channelsFirst(at, pixels, c));
            }
        } else {
            result.duplicate().get(values);
        }
        return values;
    }
}
