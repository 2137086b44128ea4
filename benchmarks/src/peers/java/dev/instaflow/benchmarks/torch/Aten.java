package dev.instaflow.benchmarks.torch;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.tensor.Shape;
import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The operations on native tensors. An image {@code [N,H,W,C]} is handed to libtorch as a permuted view,
 * which is its own channels-last format, and comes back as one: no values are moved.
 */
final class Aten {
    private static final long[] TO_NCHW = {0, 3, 1, 2};
    private static final long[] TO_NHWC = {0, 2, 3, 1};

    private Aten() {}

    /** Runs native calls and frees all that they made. */
    @SuppressWarnings("try") // the scope works by being open
    static <T> T inScope(Supplier<T> work) {
        try (PointerScope temporaries = new PointerScope()) {
            return work.get();
        }
    }

    /** Runs native calls, frees all that they made but the result, and returns that. */
    static Tensor compute(Supplier<Tensor> work) {
        return inScope(
                () -> {
                    Tensor result = work.get();
                    result.retainReference();
                    return result;
                });
    }

    static Tensor empty(Shape shape) {
        return compute(() -> torch.empty(sizes(shape)));
    }

    static long[] sizes(Shape shape) {
        long[] sizes = new long[shape.rank()];
        for (int axis = 0; axis < sizes.length; axis++) {
            sizes[axis] = shape.size(axis);
        }
        return sizes;
    }

    static Tensor of(Shape shape, float[] values) {
        Tensor tensor = empty(shape);
        try (FloatPointer memory = new FloatPointer(tensor.data_ptr())) {
            memory.put(values);
        }
        return tensor;
    }

    static float[] toArray(Tensor x) {
        float[] values = new float[Math.toIntExact(x.numel())];
        try (FloatPointer memory = new FloatPointer(x.data_ptr())) {
            memory.get(values);
        }
        return values;
    }

    /** [Co,Ci,K,K], the same values in the order that channels-last convolutions read. */
    static Tensor channelsLast(Tensor weight) {
        return compute(() -> weight.contiguous(torch.MemoryFormat.ChannelsLast).clone());
    }

    static Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Tensor image = x.permute(TO_NCHW);
        long[] stride = {spec.stride(), spec.stride()};
        long[] padding = {spec.top(), spec.left()};
        if (spec.top() != spec.bottom() || spec.left() != spec.right()) {
            long[] sides = {spec.left(), spec.right(), spec.top(), spec.bottom()};
            image = torch.constant_pad_nd(image, sides, new Scalar(0f));
            padding = new long[] {0, 0};
        }
        long[] dilation = {1, 1};
        TensorOptional optionalBias = new TensorOptional(bias);
        Tensor y = torch.conv2d(image, weight, optionalBias, stride, padding, dilation, 1);
        return y.permute(TO_NHWC).contiguous();
    }

    static Tensor linear(Tensor x, Tensor weight) {
        return torch.linear(x, weight);
    }

    static Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        return torch.linear(x, weight, new TensorOptional(bias));
    }

    /** As [N,H,W,C], for x of any rank from 3 on. */
    static Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        long n = x.size(0);
        long c = x.size(-1);
        Tensor image = x.dim() == 4 ? x : x.view(n, -1, 1, c);
        Tensor y =
                torch.group_norm(
                        image.permute(TO_NCHW),
                        spec.groups(),
                        new TensorOptional(gamma),
                        new TensorOptional(beta),
                        spec.eps(),
                        false);
        return activateInPlace(spec.then(), y.permute(TO_NHWC).contiguous());
    }

    static Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        long[] last = {x.size(-1)};
        TensorOptional scale = new TensorOptional(gamma);
        return torch.layer_norm(x, last, scale, new TensorOptional(beta), eps, false);
    }

    static Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        Tensor y =
                torch.scaled_dot_product_attention(
                        byHead(spec, q),
                        byHead(spec, k),
                        byHead(spec, v),
                        new TensorOptional(),
                        0,
                        spec.mask() == AttentionSpec.Mask.CAUSAL,
                        new DoubleOptional(),
                        false);
        return y.transpose(1, 2).contiguous();
    }

    /** [N,T,C] as [N,A,T,D]. */
    private static Tensor byHead(AttentionSpec spec, Tensor x) {
        long width = x.size(2) / spec.heads();
        return x.view(x.size(0), x.size(1), spec.heads(), width).transpose(1, 2);
    }

    static Tensor activation(Activation activation, Tensor x) {
        return switch (activation) {
            case IDENTITY -> x.clone();
            case SILU -> torch.silu(x);
            case QUICK_GELU -> timesInPlace(torch.sigmoid(x.mul(new Scalar(1.702f))), x);
            case GELU -> torch.gelu(x);
        };
    }

    private static Tensor activateInPlace(Activation activation, Tensor x) {
        switch (activation) {
            case IDENTITY -> {}
            case SILU -> torch.silu_(x);
            case QUICK_GELU, GELU -> x.copy_(activation(activation, x));
        }
        return x;
    }

    /** Returns x itself: what {@code add_} returns is a reference that does not own its tensor. */
    static Tensor plusInPlace(Tensor x, Tensor y) {
        x.add_(y);
        return x;
    }

    private static Tensor timesInPlace(Tensor x, Tensor y) {
        x.mul_(y);
        return x;
    }

    static Tensor geglu(Tensor x) {
        TensorVector halves = x.chunk(2, -1);
        return timesInPlace(torch.gelu(halves.get(1)), halves.get(0));
    }

    static Tensor upsampleNearest(Tensor x, long height, long width) {
        Tensor y = torch.upsample_nearest2d(x.permute(TO_NCHW), height, width);
        return y.permute(TO_NHWC).contiguous();
    }

    static Tensor concat(int axis, Tensor a, Tensor b) {
        return torch.cat(new TensorVector(a, b), axis);
    }

    static Tensor slice(int axis, Tensor x, long from, long to) {
        return x.narrow(axis, from, to - from).clone().contiguous();
    }

    /** x [N,..,C] and perChannel [N,C]. */
    static Tensor addPerChannel(Tensor x, Tensor perChannel) {
        long n = x.size(0);
        long c = x.size(-1);
        return torch.add(x.view(n, -1, c), perChannel.view(n, 1, c));
    }

    static Tensor combine(float[][] coefficients, Tensor[] xs) {
        Tensor sum = scaled(coefficients[0], xs[0]);
        for (int k = 1; k < xs.length; k++) {
            sum.add_(scaled(coefficients[k], xs[k]));
        }
        return sum;
    }

    private static Tensor scaled(float[] coefficients, Tensor x) {
        if (coefficients.length == 1) {
            return x.mul(new Scalar(coefficients[0]));
        }
        Tensor column = of(Shape.of(coefficients.length, 1), coefficients);
        return x.view(x.size(0), -1).mul(column).view_as(x);
    }

    static Tensor gatherRows(Tensor table, int[] ids) {
        ScalarTypeOptional integers = new ScalarTypeOptional(torch.ScalarType.Long);
        long[] count = {ids.length};
        Tensor index = torch.empty(count, new TensorOptions().dtype(integers), new MemoryFormatOptional());
        LongPointer memory = new LongPointer(index.data_ptr());
        for (int i = 0; i < ids.length; i++) {
            memory.put(i, ids[i]);
        }
        return torch.embedding(table, index);
    }

    static boolean isFinite(Tensor x) {
        return torch.isfinite(x).all().item_bool();
    }
}
