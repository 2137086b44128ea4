package dev.instaflow.benchmarks.onnx;

import dev.instaflow.benchmarks.onnx.Value.Constant;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * The nodes of each operation, as an exporter with ONNX Runtime's optimisations would have them: images
 * stay channels-first from one end to the other, pointwise layers over images are convolutions, and
 * transposes stand where images become tokens alone. Where ONNX has several forms it is the one that ran
 * fastest here: GELU, SiLU and attention are the runtime's own fused operators.
 */
final class Nodes {
    private static final long[] TO_NCHW = {0, 3, 1, 2};
    private static final long[] TO_NHWC = {0, 2, 3, 1};
    private static final float QUICK_GELU = 1.702f;

    private Nodes() {}

    /** The sizes of a tensor as ONNX sees it. */
    static long[] dims(Shape shape) {
        long[] sizes = new long[shape.rank()];
        for (int axis = 0; axis < sizes.length; axis++) {
            sizes[axis] = shape.size(axis);
        }
        return sizes.length == TO_NCHW.length ? permuted(sizes, TO_NCHW) : sizes;
    }

    private static long[] permuted(long[] dims, long... order) {
        return Arrays.stream(order).map(axis -> dims[(int) axis]).toArray();
    }

    private static Value one(Operator op, long[] dims, Value... inputs) {
        return new Value.Result(dims, new Value.Node(op, List.of(inputs), 1), 0);
    }

    static Value transpose(Value x, long... order) {
        Operator op = Operator.of("Transpose").integers("perm", order);
        return one(op, permuted(x.dims(), order), x);
    }

    static Value reshape(Value x, long... dims) {
        if (x instanceof Value.Weight weight) {
            return weight.reshaped(dims);
        }
        return Arrays.equals(x.dims(), dims)
                ? x
                : one(Operator.of("Reshape"), dims, x, Constant.integers(dims));
    }

    private static boolean isImage(Value x) {
        return x.dims().length == TO_NCHW.length;
    }

    /** Channels last, then other sizes, then channels first if it is an image again. */
    static Value view(Value x, Shape shape) {
        if (Arrays.equals(x.dims(), dims(shape))) {
            return x;
        }
        long[] last = new long[shape.rank()];
        Arrays.setAll(last, shape::size);
        Value y = reshape(isImage(x) ? transpose(x, TO_NHWC) : x, last);
        return isImage(y) ? transpose(y, TO_NCHW) : y;
    }

    static Value conv2d(ConvSpec spec, Shape shape, Value x, Value weight, Value bias) {
        return one(conv(spec), dims(shape), x, weight, bias);
    }

    private static Operator conv(ConvSpec spec) {
        return Operator.of("Conv")
                .integers("pads", spec.top(), spec.left(), spec.bottom(), spec.right())
                .integers("strides", spec.stride(), spec.stride())
                .integers("kernel_shape", spec.kernel(), spec.kernel());
    }

    /** A convolution over an image, else a matrix product. */
    static Value linear(Shape shape, Value x, Value weight, Value... bias) {
        long out = weight.dims()[0];
        long in = weight.dims()[1];
        if (isImage(x)) {
            Value kernel = reshape(weight, out, in, 1, 1);
            return one(conv(ConvSpec.POINTWISE), dims(shape), with(x, kernel, bias));
        }
        long rows = shape.count() / out;
        Operator gemm = Operator.of("Gemm").integer("transB", 1);
        Value y = one(gemm, new long[] {rows, out}, with(reshape(x, rows, in), weight, bias));
        return reshape(y, dims(shape));
    }

    private static Value[] with(Value x, Value weight, Value... bias) {
        Value[] inputs = Arrays.copyOf(new Value[] {x, weight}, 2 + bias.length);
        System.arraycopy(bias, 0, inputs, 2, bias.length);
        return inputs;
    }

    /**
     * Each group as one instance, then scale and shift, as exporters write it. The runtime has no group
     * norm of its own on the CPU. LayerNormalization over rows is spread over threads, which this is not,
     * but is slower at most shapes for two of them; sums and sums of squares lose a digit.
     */
    static Value groupNorm(GroupNormSpec spec, Value x, Value gamma, Value beta) {
        if (!isImage(x)) {
            Value first = tokensToChannelsFirst(x);
            return reshape(
                    transpose(groupNormFirst(spec, first, gamma, beta), 0, 2, 1), x.dims());
        }
        return groupNormFirst(spec, x, gamma, beta);
    }

    /** [N,..,C] as [N,C,T]. */
    private static Value tokensToChannelsFirst(Value x) {
        long n = x.dims()[0];
        long c = x.dims()[x.dims().length - 1];
        return transpose(reshape(x, n, Graph.count(x.dims()) / (n * c), c), 0, 2, 1);
    }

    /** [N,C,..]. */
    private static Value groupNormFirst(GroupNormSpec spec, Value x, Value gamma, Value beta) {
        long n = x.dims()[0];
        int groups = spec.groups();
        long[] rows = {n, groups, Graph.count(x.dims()) / (n * groups)};
        long[] channels = new long[x.dims().length - 1];
        Arrays.fill(channels, 1);
        channels[0] = x.dims()[1];
        Value normed =
                one(
                        Operator.of("InstanceNormalization").number("epsilon", spec.eps()),
                        rows,
                        reshape(x, rows),
                        Constant.filled(groups, 1),
                        Constant.filled(groups, 0));
        Value scaled = multiply(reshape(normed, x.dims()), reshape(gamma, channels));
        return activation(spec.then(), add(scaled, reshape(beta, channels)));
    }

    static Value layerNorm(Value x, Value gamma, Value beta, float eps) {
        Operator op =
                Operator.of("LayerNormalization").integer("axis", -1).number("epsilon", eps);
        return one(op, x.dims(), x, gamma, beta);
    }

    /**
     * The runtime's own operator. At one thread 8 heads of 4096 queries and keys of width 40 take it 290
     * ms; ONNX' Attention 421, and MatMul, Softmax, MatMul, as exporters write it, 447. At the smaller
     * shapes the three are close.
     */
    static Value attention(AttentionSpec spec, Value q, Value k, Value v) {
        boolean causal = spec.mask() == AttentionSpec.Mask.CAUSAL;
        Operator op =
                Operator.contrib("MultiHeadAttention")
                        .integer("num_heads", spec.heads())
                        .integer("unidirectional", causal ? 1 : 0);
        return one(op, q.dims(), q, k, v);
    }

    static Value activation(Activation activation, Value x) {
        return switch (activation) {
            case IDENTITY -> x;
            case SILU -> quickGelu(1, x);
            case QUICK_GELU -> quickGelu(QUICK_GELU, x);
            case GELU -> one(Operator.contrib("Gelu"), x.dims(), x);
        };
    }

    /** {@code x * sigmoid(alpha x)}. */
    private static Value quickGelu(float alpha, Value x) {
        return one(Operator.contrib("QuickGelu").number("alpha", alpha), x.dims(), x);
    }

    static Value geglu(Shape shape, Value x) {
        long axis = channelAxis(x);
        Operator split = Operator.of("Split").integer("axis", axis).integer("num_outputs", 2);
        Value.Node node = new Value.Node(split, List.of(x), 2);
        Value a = new Value.Result(dims(shape), node, 0);
        Value b = new Value.Result(dims(shape), node, 1);
        return multiply(a, activation(Activation.GELU, b));
    }

    private static long channelAxis(Value x) {
        return isImage(x) ? 1 : x.dims().length - 1;
    }

    static Value upsample(Shape shape, Value x) {
        Operator op =
                Operator.of("Resize")
                        .text("mode", "nearest")
                        .text("nearest_mode", "floor")
                        .text("coordinate_transformation_mode", "asymmetric");
        Value none = new Constant(new long[] {0}, Value.Element.FLOAT, new byte[0]);
        return one(op, dims(shape), x, none, none, Constant.integers(dims(shape)));
    }

    static Value concatChannels(Shape shape, Value a, Value b) {
        return one(Operator.of("Concat").integer("axis", channelAxis(a)), dims(shape), a, b);
    }

    static Value concatBatch(Shape shape, Value a, Value b) {
        return one(Operator.of("Concat").integer("axis", 0), dims(shape), a, b);
    }

    static Value sliceChannels(Shape shape, Value x, long from, long to) {
        return slice(shape, x, channelAxis(x), from, to);
    }

    static Value sliceBatch(Shape shape, Value x, long from, long to) {
        return slice(shape, x, 0, from, to);
    }

    private static Value slice(Shape shape, Value x, long axis, long from, long to) {
        return one(
                Operator.of("Slice"),
                dims(shape),
                x,
                Constant.integers(from),
                Constant.integers(to),
                Constant.integers(axis));
    }

    static Value add(Value a, Value b) {
        return one(Operator.of("Add"), a.dims(), a, b);
    }

    static Value multiply(Value a, Value b) {
        return one(Operator.of("Mul"), a.dims(), a, b);
    }

    /** x [N,..,C] and perChannel [N,C]. */
    static Value addPerChannel(Value x, Value perChannel) {
        long[] dims = new long[x.dims().length];
        Arrays.fill(dims, 1);
        dims[0] = x.dims()[0];
        dims[(int) channelAxis(x)] = x.dims()[(int) channelAxis(x)];
        return add(x, reshape(perChannel, dims));
    }

    /** x [N,..] and sample [..]. */
    static Value addToEach(Value x, Value sample) {
        return add(x, isImage(x) ? transpose(sample, 2, 0, 1) : sample);
    }

    /** One coefficient a tensor or a sample. */
    static Value scale(Value x, Value coefficients) {
        long[] dims = new long[x.dims().length];
        Arrays.fill(dims, 1);
        dims[0] = coefficients.dims()[0];
        return multiply(x, reshape(coefficients, dims));
    }

    static Value gatherRows(Shape shape, Value table, Value ids) {
        return one(Operator.of("Gather").integer("axis", 0), dims(shape), table, ids);
    }
}
