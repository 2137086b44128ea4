package dev.instaflow.backend.cuda;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.tensor.Shape;

/**
 * All that cuDNN's choice of an algorithm depends on, beside the device.
 *
 * @param pass which of the convolution's computations
 * @param numerics types and arithmetic
 * @param kernel height and width
 * @param stride in both directions
 * @param padding on all four sides
 * @param n samples
 * @param height of the input
 * @param width of the input
 * @param in channels
 * @param out channels
 */
record ConvolutionShape(
        ConvolutionPass pass,
        Numerics numerics,
        int kernel,
        int stride,
        int padding,
        int n,
        int height,
        int width,
        int in,
        int out) {
    /** The result of an image [N,H,W,Ci] that is padded alike on all sides. */
    static ConvolutionShape of(Numerics numerics, ConvSpec spec, Shape x, int out) {
        return new ConvolutionShape(
                ConvolutionPass.FORWARD,
                numerics,
                spec.kernel(),
                spec.stride(),
                spec.top(),
                x.intSize(0),
                x.intSize(1),
                x.intSize(2),
                x.intSize(3),
                out);
    }

    /** Another computation of the same sizes. */
    ConvolutionShape with(ConvolutionPass other) {
        return new ConvolutionShape(
                other, numerics, kernel, stride, padding, n, height, width, in, out);
    }

    int outHeight() {
        return (height + 2 * padding - kernel) / stride + 1;
    }

    int outWidth() {
        return (width + 2 * padding - kernel) / stride + 1;
    }

    /** As it stands in the file of algorithms: words without blanks. */
    String key() {
        return "%s-%s-k%d-s%d-p%d-x%dx%dx%dx%d-c%d"
                .formatted(
                        pass.word(), numerics, kernel, stride, padding, n, height, width, in, out);
    }
}
