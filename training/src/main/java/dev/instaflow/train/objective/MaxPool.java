package dev.instaflow.train.objective;

import dev.instaflow.tensor.Shape;

/**
 * Maximum pooling on the heap, windows inside the picture only, and where each maximum came from.
 *
 * @param shape [N,h,w,C] of the result
 * @param values the maxima
 * @param from their indices in the input
 */
record MaxPool(Shape shape, float[] values, int[] from) {
    /** Windows of a side and a stride over x [N,H,W,C]. */
    static MaxPool of(Shape in, float[] x, int side, int stride) {
        int height = in.intSize(1);
        int width = in.intSize(2);
        int c = in.intSize(3);
        if (height < side || width < side) {
            throw new IllegalArgumentException(
                    "pictures are too small to be compared: a window of %d on features %s"
                            .formatted(side, in));
        }
        int outHeight = (height - side) / stride + 1;
        int outWidth = (width - side) / stride + 1;
        Shape shape = Shape.of(in.size(0), outHeight, outWidth, c);
        float[] values = new float[Math.toIntExact(shape.count())];
        int[] from = new int[values.length];
        int at = 0;
        for (int n = 0; n < in.intSize(0); n++) {
            for (int y = 0; y < outHeight; y++) {
                for (int i = 0; i < outWidth * c; i++, at++) {
                    int corner = ((n * height + y * stride) * width + i / c * stride) * c + i % c;
                    from[at] = largest(x, corner, side, width * c, c);
                    values[at] = x[from[at]];
                }
            }
        }
        return new MaxPool(shape, values, from);
    }

    private static int largest(float[] x, int corner, int side, int row, int c) {
        int best = corner;
        for (int y = 0; y < side; y++) {
            for (int i = 0; i < side; i++) {
                int at = corner + y * row + i * c;
                best = x[at] > x[best] ? at : best;
            }
        }
        return best;
    }

    /** The gradient with respect to the input of so many values. */
    float[] back(float[] gradient, int count) {
        float[] input = new float[count];
        for (int i = 0; i < gradient.length; i++) {
            input[from[i]] += gradient[i];
        }
        return input;
    }
}
