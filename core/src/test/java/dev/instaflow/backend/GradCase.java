package dev.instaflow.backend;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionGradients;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormGradients;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An operation on some shapes, forward and backward. Sizes include 1, primes, values one off the usual
 * tiles, and batches above 1.
 *
 * @param name for messages
 * @param inputs what it takes
 * @param forward the operation
 * @param backward the gradients, one for each input, in order
 */
record GradCase(String name, List<Input> inputs, Forward forward, Backward backward) {
    /** The form of what is no weight. */
    private static final WeightForm ACTIVATION = new WeightForm.Plain();

    /** Large, so that a backend packs kernels as it does for large images. */
    private static final int SIZE_HINT = 64;

    record Input(WeightForm form, Shape shape) {
        boolean isWeight() {
            return form != ACTIVATION;
        }
    }

    interface Forward {
        Tensor run(Ops ops, Tensor[] in);
    }

    interface Backward {
        Tensor[] run(GradOps ops, Tensor[] in, Tensor dy);
    }

    @Override
    public String toString() {
        return name;
    }

    private static Input x(long... sizes) {
        return new Input(ACTIVATION, Shape.of(sizes));
    }

    private static Input weight(WeightForm form, long... sizes) {
        return new Input(form, Shape.of(sizes));
    }

    /** All of them; the large ones reach the tiled and threaded paths. */
    static List<GradCase> all() {
        List<GradCase> all = new ArrayList<>(small());
        all.add(conv(ConvSpec.SAME_3X3, 3, 16, 16, 64, 48));
        all.add(conv(ConvSpec.SAME_3X3, 1, 64, 66, 64, 72));
        all.add(linear(2, 300, 96, 257));
        all.add(groupNorm(32, Activation.SILU, 2, 33, 31, 96));
        all.add(layerNorm(2, 257, 100));
        all.add(attention(AttentionSpec.Mask.NONE, 2, 2, 700, 700, 8));
        all.add(attention(AttentionSpec.Mask.CAUSAL, 1, 2, 1100, 1100, 6));
        all.add(upsample(2, 64, 33, 31, 128, 66));
        return all;
    }

    /** Those that central differences can go through element by element. */
    static List<GradCase> small() {
        List<GradCase> all = new ArrayList<>();
        all.add(conv(ConvSpec.SAME_3X3, 1, 1, 1, 1, 1));
        all.add(conv(ConvSpec.SAME_3X3, 2, 7, 5, 3, 6));
        all.add(conv(ConvSpec.SAME_3X3, 2, 8, 8, 16, 4));
        all.add(conv(ConvSpec.POINTWISE, 3, 3, 2, 5, 7));
        all.add(conv(ConvSpec.DOWN_SYMMETRIC, 2, 9, 7, 4, 3));
        all.add(conv(ConvSpec.DOWN_ASYMMETRIC, 2, 8, 6, 3, 5));
        all.add(linear(1, 1, 1, 1));
        all.add(linear(3, 7, 5, 9));
        all.add(groupNorm(1, Activation.IDENTITY, 2, 1, 1, 3));
        all.add(groupNorm(3, Activation.SILU, 2, 5, 3, 6));
        all.add(groupNorm(7, Activation.IDENTITY, 3, 1, 11, 7));
        all.add(layerNorm(1, 3, 7));
        all.add(layerNorm(2, 5, 33));
        all.add(attention(AttentionSpec.Mask.NONE, 1, 1, 1, 1, 1));
        all.add(attention(AttentionSpec.Mask.NONE, 2, 3, 5, 7, 4));
        all.add(attention(AttentionSpec.Mask.CAUSAL, 2, 2, 7, 7, 5));
        for (Activation activation : Activation.values()) {
            all.add(activation(activation, 3, 31));
        }
        all.add(geglu(2, 3, 7));
        all.add(upsample(1, 3, 2, 5, 6, 10));
        all.add(upsample(2, 3, 4, 5, 5, 7));
        all.add(gatherRows());
        all.add(addPerChannel(2, 3, 5, 7));
        return all;
    }

    private static GradCase conv(ConvSpec spec, long n, long height, long width, long ci, long co) {
        int k = spec.kernel();
        WeightForm form = new WeightForm.Conv(spec, SIZE_HINT, SIZE_HINT);
        return new GradCase(
                "conv2d %s of [%d,%d,%d,%d] to %d".formatted(spec, n, height, width, ci, co),
                List.of(
                        x(n, height, width, ci),
                        weight(form, co, ci, k, k),
                        weight(WeightForm.PLAIN, co)),
                (ops, in) -> ops.conv2d(spec, in[0], in[1], in[2]),
                (grads, in, dy) ->
                        new Tensor[] {
                            grads.conv2dInput(spec, in[0].shape(), in[1], dy),
                            grads.conv2dWeight(spec, in[0], dy),
                            bias(grads, dy)
                        });
    }

    /** As the tape does: all positions are one sample's. */
    private static Tensor bias(GradOps grads, Tensor dy) {
        long c = dy.shape().size(-1);
        try (Tensor rows = dy.view(Shape.of(1, dy.shape().count() / c, c))) {
            Tensor sums = grads.channelSums(rows); // [1,C]
            return sums;
        }
    }

    private static GradCase linear(long n, long t, long in, long out) {
        return new GradCase(
                "linear of [%d,%d,%d] to %d".formatted(n, t, in, out),
                List.of(
                        x(n, t, in),
                        weight(WeightForm.LINEAR, out, in),
                        weight(WeightForm.PLAIN, out)),
                (ops, at) -> ops.linear(at[0], at[1], at[2]),
                (grads, at, dy) ->
                        new Tensor[] {
                            grads.linearInput(at[1], dy),
                            grads.linearWeight(at[0], dy),
                            bias(grads, dy)
                        });
    }

    private static GradCase groupNorm(
            int groups, Activation then, long n, long height, long width, long c) {
        GroupNormSpec spec = new GroupNormSpec(groups, 1e-5f, then);
        return new GradCase(
                "%s of [%d,%d,%d,%d]".formatted(spec, n, height, width, c),
                List.of(
                        x(n, height, width, c),
                        weight(WeightForm.PLAIN, c),
                        weight(WeightForm.PLAIN, c)),
                (ops, in) -> ops.groupNorm(spec, in[0], in[1], in[2]),
                (grads, in, dy) -> norm(grads.groupNorm(spec, in[0], in[1], in[2], dy)));
    }

    private static Tensor[] norm(NormGradients gradients) {
        return new Tensor[] {gradients.x(), gradients.gamma(), gradients.beta()};
    }

    private static GradCase layerNorm(long n, long t, long c) {
        float eps = 1e-5f;
        return new GradCase(
                "layer norm of [%d,%d,%d]".formatted(n, t, c),
                List.of(x(n, t, c), weight(WeightForm.PLAIN, c), weight(WeightForm.PLAIN, c)),
                (ops, in) -> ops.layerNorm(in[0], in[1], in[2], eps),
                (grads, in, dy) -> norm(grads.layerNorm(in[0], in[1], eps, dy)));
    }

    private static GradCase attention(
            AttentionSpec.Mask mask, long n, int heads, long t, long s, long d) {
        AttentionSpec spec = new AttentionSpec(heads, mask);
        long c = heads * d;
        return new GradCase(
                "%s of %d samples, %d queries, %d keys of %d".formatted(spec, n, t, s, d),
                List.of(x(n, t, c), x(n, s, c), x(n, s, c)),
                (ops, in) -> ops.attention(spec, in[0], in[1], in[2]),
                (grads, in, dy) -> {
                    AttentionGradients result = grads.attention(spec, in[0], in[1], in[2], dy);
                    return new Tensor[] {result.q(), result.k(), result.v()};
                });
    }

    private static GradCase activation(Activation activation, long... sizes) {
        return new GradCase(
                activation.toString(),
                List.of(x(sizes)),
                (ops, in) -> ops.activation(activation, in[0]),
                (grads, in, dy) -> new Tensor[] {grads.activation(activation, in[0], dy)});
    }

    private static GradCase geglu(long n, long t, long f) {
        return new GradCase(
                "geglu",
                List.of(x(n, t, 2 * f)),
                (ops, in) -> ops.geglu(in[0]),
                (grads, in, dy) -> new Tensor[] {grads.geglu(in[0], dy)});
    }

    private static GradCase upsample(
            long n, long c, long height, long width, long newHeight, long newWidth) {
        return new GradCase(
                "upsample %dx%d to %dx%d".formatted(height, width, newHeight, newWidth),
                List.of(x(n, height, width, c)),
                (ops, in) -> ops.upsampleNearest(in[0], newHeight, newWidth),
                (grads, in, dy) -> new Tensor[] {grads.upsampleNearest(in[0].shape(), dy)});
    }

    private static GradCase gatherRows() {
        int[] ids = {4, 0, 4, 2, 4, 1};
        return new GradCase(
                "rows " + Arrays.toString(ids),
                List.of(weight(WeightForm.PLAIN, 5, 7)),
                (ops, in) -> ops.gatherRows(in[0], ids, Shape.of(2, 3)),
                (grads, in, dy) -> new Tensor[] {grads.gatherRows(in[0].shape(), ids, dy)});
    }

    private static GradCase addPerChannel(long n, long height, long width, long c) {
        return new GradCase(
                "add per channel",
                List.of(x(n, height, width, c), x(n, c)),
                (ops, in) -> ops.addPerChannel(in[0], in[1]),
                (grads, in, dy) -> new Tensor[] {dy, grads.channelSums(dy)});
    }
}
