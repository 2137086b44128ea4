package dev.instaflow.ops;

import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;

/**
 * The shape rules of {@link Ops}: what each operation accepts and what it returns. Every backend calls
 * them first, so that a wrong shape gets the same message everywhere and never reaches native code.
 */
public final class Shapes {
    private Shapes() {}

    /**
     * The result of {@link Ops#conv2d}.
     *
     * @param spec the geometry
     * @param x [N,H,W,Ci]
     * @param weight [Co,Ci,K,K]
     * @param bias [Co]
     * @return [N,H',W',Co]
     */
    public static Shape conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Shape w = weight.shape();
        if (x.shape().rank() != 4 || w.rank() != 4) {
            throw new IllegalArgumentException(
                    "conv2d needs x [N,H,W,C] and weight [Co,Ci,K,K], has " + x + " and " + weight);
        }
        if (x.shape().size(3) != w.size(1)) {
            throw new IllegalArgumentException(
                    "conv2d \"%s\": weight %s needs %d input channels, x has %d: %s"
                            .formatted(weight.name(), w, w.size(1), x.shape().size(3), x));
        }
        if (w.size(2) != spec.kernel() || w.size(3) != spec.kernel()) {
            throw new IllegalArgumentException(
                    "conv2d \"%s\": weight %s does not have the %dx%d kernel of its spec"
                            .formatted(weight.name(), w, spec.kernel(), spec.kernel()));
        }
        vector("conv2d bias", bias, w.size(0));
        long height = spec.outHeight(x.shape().size(1));
        long width = spec.outWidth(x.shape().size(2));
        return x.shape().with(1, height).with(2, width).with(3, w.size(0));
    }

    /**
     * The result of {@link Ops#linear}.
     *
     * @param x [..,In]
     * @param weight [Out,In]
     * @return [..,Out]
     */
    public static Shape linear(Tensor x, Tensor weight) {
        Shape w = weight.shape();
        if (w.rank() != 2 || x.shape().rank() < 1 || x.shape().size(-1) != w.size(1)) {
            throw new IllegalArgumentException(
                    "linear \"%s\": weight %s does not fit x %s".formatted(weight.name(), w, x));
        }
        return x.shape().with(-1, w.size(0));
    }

    /**
     * The bias of {@link Ops#linear}.
     *
     * @param weight [Out,In]
     * @param bias [Out]
     */
    public static void linearBias(Tensor weight, Tensor bias) {
        vector("linear bias", bias, weight.shape().size(0));
    }

    /**
     * What is added to the result of a layer.
     *
     * @param what the operation, for the message
     * @param weight of the layer
     * @param residual should have the result's shape
     * @param result the shape of the layer's result
     */
    public static void residual(String what, Tensor weight, Tensor residual, Shape result) {
        if (!residual.shape().equals(result)) {
            throw new IllegalArgumentException(
                    "%s \"%s\" gives %s, which cannot be added to %s"
                            .formatted(what, weight.name(), result, residual));
        }
    }

    /**
     * The result of {@link Ops#attention}.
     *
     * @param spec heads and mask
     * @param q [N,T,C]
     * @param k [N,S,C]
     * @param v [N,S,C]
     * @return [N,T,C]
     */
    public static Shape attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        boolean fits =
                q.shape().rank() == 3
                        && k.shape().rank() == 3
                        && k.shape().equals(v.shape())
                        && q.shape().size(0) == k.shape().size(0)
                        && q.shape().size(2) == k.shape().size(2)
                        && q.shape().size(2) % spec.heads() == 0;
        if (!fits) {
            throw new IllegalArgumentException(
                    "attention with %d heads does not fit q %s, k %s, v %s"
                            .formatted(spec.heads(), q, k, v));
        }
        if (spec.mask() == AttentionSpec.Mask.CAUSAL && q.shape().size(1) != k.shape().size(1)) {
            throw new IllegalArgumentException(
                    "causal attention needs as many queries as keys, has " + q + " and " + k);
        }
        return q.shape();
    }

    /**
     * The result of {@link Ops#groupNorm}.
     *
     * @param spec the groups
     * @param x [N,..,C]
     * @param gamma [C]
     * @param beta [C]
     * @return the shape of {@code x}
     */
    public static Shape groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        if (x.shape().rank() < 3 || x.shape().size(-1) % spec.groups() != 0) {
            throw new IllegalArgumentException(
                    "groupNorm \"%s\": %d groups do not divide the channels of %s"
                            .formatted(gamma.name(), spec.groups(), x));
        }
        vector("groupNorm gamma", gamma, x.shape().size(-1));
        vector("groupNorm beta", beta, x.shape().size(-1));
        return x.shape();
    }

    /**
     * The result of {@link Ops#layerNorm}.
     *
     * @param x [..,C]
     * @param gamma [C]
     * @param beta [C]
     * @return the shape of {@code x}
     */
    public static Shape layerNorm(Tensor x, Tensor gamma, Tensor beta) {
        if (x.shape().rank() < 1) {
            throw new IllegalArgumentException("layerNorm needs at least one dimension: " + x);
        }
        vector("layerNorm gamma", gamma, x.shape().size(-1));
        vector("layerNorm beta", beta, x.shape().size(-1));
        return x.shape();
    }

    /**
     * The result of {@link Ops#geglu}.
     *
     * @param x [..,2F]
     * @return [..,F]
     */
    public static Shape geglu(Tensor x) {
        if (x.shape().rank() < 1 || x.shape().size(-1) % 2 != 0) {
            throw new IllegalArgumentException("geglu needs an even last dimension: " + x);
        }
        return x.shape().with(-1, x.shape().size(-1) / 2);
    }

    /**
     * The result of {@link Ops#upsampleNearest}.
     *
     * @param x [N,H,W,C]
     * @param height at least H
     * @param width at least W
     * @return [N,height,width,C]
     */
    public static Shape upsample(Tensor x, long height, long width) {
        if (x.shape().rank() != 4 || height < x.shape().size(1) || width < x.shape().size(2)) {
            throw new IllegalArgumentException(
                    "upsampleNearest to %dx%d does not fit %s".formatted(height, width, x));
        }
        return x.shape().with(1, height).with(2, width);
    }

    /**
     * The result of {@link Ops#concatChannels} (axis -1) and {@link Ops#concatBatch} (axis 0).
     *
     * @param axis the axis that grows
     * @param a first part
     * @param b second part, equal in all other sizes
     * @return the joint shape
     */
    public static Shape concat(int axis, Tensor a, Tensor b) {
        boolean sameRank = a.shape().rank() == b.shape().rank() && a.shape().rank() > 0;
        if (!sameRank || !a.shape().with(axis, b.shape().size(axis)).equals(b.shape())) {
            throw new IllegalArgumentException(
                    "concat along axis %d does not fit %s and %s".formatted(axis, a, b));
        }
        return a.shape().with(axis, a.shape().size(axis) + b.shape().size(axis));
    }

    /**
     * The result of {@link Ops#sliceChannels} (axis -1) and {@link Ops#sliceBatch} (axis 0).
     *
     * @param axis the axis that shrinks
     * @param x what is sliced
     * @param from first index
     * @param to one past the last index, above {@code from}
     * @return the shape of the slice
     */
    public static Shape slice(int axis, Tensor x, long from, long to) {
        if (from < 0 || to <= from || x.shape().rank() == 0 || to > x.shape().size(axis)) {
            throw new IllegalArgumentException(
                    "slice [%d,%d) along axis %d does not fit %s".formatted(from, to, axis, x));
        }
        return x.shape().with(axis, to - from);
    }

    /**
     * Operands that must agree.
     *
     * @param what the operation, for the message
     * @param a one operand
     * @param b the other
     * @return their shape
     */
    public static Shape same(String what, Tensor a, Tensor b) {
        if (!a.shape().equals(b.shape())) {
            throw new IllegalArgumentException(
                    what + " needs equal shapes, has " + a + " and " + b);
        }
        return a.shape();
    }

    /**
     * The result of {@link Ops#addPerChannel}.
     *
     * @param x [N,..,C]
     * @param perChannel [N,C]
     * @return the shape of {@code x}
     */
    public static Shape addPerChannel(Tensor x, Tensor perChannel) {
        Shape s = x.shape();
        Shape p = perChannel.shape();
        boolean fits =
                s.rank() >= 2 && p.rank() == 2 && p.size(0) == s.size(0) && p.size(1) == s.size(-1);
        if (!fits) {
            throw new IllegalArgumentException("addPerChannel of " + perChannel + " to " + x);
        }
        return s;
    }

    /**
     * The result of {@link Ops#addToEach}.
     *
     * @param x [N,..]
     * @param sample the inner sizes of {@code x}
     * @return the shape of {@code x}
     */
    public static Shape addToEach(Tensor x, Tensor sample) {
        Shape s = x.shape();
        if (s.rank() != sample.shape().rank() + 1
                || s.size(0) * sample.shape().count() != s.count()) {
            throw new IllegalArgumentException("addToEach of " + sample + " to " + x);
        }
        return s;
    }

    /**
     * The result of {@link Ops#combine}.
     *
     * @param coefficients one row a tensor, of 1 or N values
     * @param xs tensors of one shape
     * @return that shape
     */
    public static Shape combine(float[][] coefficients, Tensor... xs) {
        if (xs.length == 0 || coefficients.length != xs.length || xs[0].shape().rank() == 0) {
            throw new IllegalArgumentException(
                    "combine of %d tensors with %d rows of coefficients"
                            .formatted(xs.length, coefficients.length));
        }
        long n = xs[0].shape().size(0);
        for (int k = 0; k < xs.length; k++) {
            same("combine", xs[0], xs[k]);
            if (coefficients[k].length != 1 && coefficients[k].length != n) {
                throw new IllegalArgumentException(
                        "combine of %s with coefficients %s: 1 or %d are needed"
                                .formatted(xs[k], Arrays.toString(coefficients[k]), n));
            }
        }
        return xs[0].shape();
    }

    /**
     * The result of {@link Ops#gatherRows}.
     *
     * @param table [V,E]
     * @param ids each in [0, V)
     * @param shape as many elements as {@code ids}
     * @return {@code shape} with E appended
     */
    public static Shape gatherRows(Tensor table, int[] ids, Shape shape) {
        if (table.shape().rank() != 2 || shape.count() != ids.length || shape.rank() != 2) {
            throw new IllegalArgumentException(
                    "gatherRows of %d ids as %s from %s".formatted(ids.length, shape, table));
        }
        for (int id : ids) {
            if (id < 0 || id >= table.shape().size(0)) {
                throw new IllegalArgumentException("gatherRows: no row " + id + " in " + table);
            }
        }
        return Shape.of(shape.size(0), shape.size(1), table.shape().size(1));
    }

    /**
     * Heap values for a tensor.
     *
     * @param name for the message
     * @param shape the sizes
     * @param values as many
     * @return {@code shape}
     */
    public static Shape values(String name, Shape shape, float[] values) {
        if (shape.count() != values.length) {
            throw new IllegalArgumentException(
                    "tensor \"%s\" %s from %d values".formatted(name, shape, values.length));
        }
        return shape;
    }

    /**
     * The gradient of a result has the result's shape.
     *
     * @param what the operation, for the message
     * @param result the shape of the operation's result
     * @param dy what should have it
     * @return {@code result}
     */
    public static Shape gradient(String what, Shape result, Tensor dy) {
        if (!dy.shape().equals(result)) {
            throw new IllegalArgumentException(
                    "gradient of %s needs the shape of its result %s, has %s"
                            .formatted(what, result, dy));
        }
        return result;
    }

    /**
     * The result of {@link GradOps#conv2dWeight}.
     *
     * @param spec the geometry
     * @param x [N,H,W,Ci]
     * @param dy [N,H',W',Co]
     * @return [Co,Ci,K,K]
     */
    public static Shape conv2dWeight(ConvSpec spec, Tensor x, Tensor dy) {
        if (x.shape().rank() != 4 || dy.shape().rank() != 4) {
            throw new IllegalArgumentException("gradient of conv2d of " + x + " with " + dy);
        }
        Shape in = x.shape();
        Shape y = Shape.of(in.size(0), spec.outHeight(in.size(1)), spec.outWidth(in.size(2)), 1);
        gradient("conv2d", y.with(3, dy.shape().size(3)), dy);
        return Shape.of(dy.shape().size(3), in.size(3), spec.kernel(), spec.kernel());
    }

    /**
     * The result of {@link GradOps#conv2dInput}.
     *
     * @param spec the geometry
     * @param x [N,H,W,Ci]
     * @param weight [Co,Ci,K,K]
     * @param dy [N,H',W',Co]
     * @return {@code x}
     */
    public static Shape conv2dInput(ConvSpec spec, Shape x, Tensor weight, Tensor dy) {
        Shape w = weight.shape();
        if (x.rank() != 4 || w.rank() != 4 || w.size(1) != x.size(3)) {
            throw new IllegalArgumentException(
                    "gradient of conv2d \"%s\" %s of x %s".formatted(weight.name(), w, x));
        }
        Shape y =
                Shape.of(x.size(0), spec.outHeight(x.size(1)), spec.outWidth(x.size(2)), w.size(0));
        gradient("conv2d \"" + weight.name() + '"', y, dy);
        return x;
    }

    /**
     * The result of {@link GradOps#linearInput}.
     *
     * @param weight [Out,In]
     * @param dy [..,Out]
     * @return [..,In]
     */
    public static Shape linearInput(Tensor weight, Tensor dy) {
        Shape w = weight.shape();
        if (w.rank() != 2 || dy.shape().rank() < 1 || dy.shape().size(-1) != w.size(0)) {
            throw new IllegalArgumentException(
                    "gradient of linear \"%s\" %s from %s".formatted(weight.name(), w, dy));
        }
        return dy.shape().with(-1, w.size(1));
    }

    /**
     * The result of {@link GradOps#linearWeight}.
     *
     * @param x [..,In]
     * @param dy [..,Out]
     * @return [Out,In]
     */
    public static Shape linearWeight(Tensor x, Tensor dy) {
        boolean fits = x.shape().rank() > 0 && x.shape().rank() == dy.shape().rank();
        if (!fits || !x.shape().with(-1, dy.shape().size(-1)).equals(dy.shape())) {
            throw new IllegalArgumentException("gradient of linear of " + x + " from " + dy);
        }
        return Shape.of(dy.shape().size(-1), x.shape().size(-1));
    }

    /**
     * The result of {@link GradOps#channelSums}.
     *
     * @param dy [N,..,C]
     * @return [N,C]
     */
    public static Shape channelSums(Tensor dy) {
        if (dy.shape().rank() < 2) {
            throw new IllegalArgumentException("channel sums of " + dy);
        }
        return Shape.of(dy.shape().size(0), dy.shape().size(-1));
    }

    /**
     * The result of {@link GradOps#upsampleNearest}.
     *
     * @param x [N,H,W,C]
     * @param dy [N,height,width,C], height and width at least H and W
     * @return {@code x}
     */
    public static Shape upsampleInput(Shape x, Tensor dy) {
        Shape y = dy.shape();
        boolean fits =
                x.rank() == 4
                        && y.rank() == 4
                        && x.with(1, y.size(1)).with(2, y.size(2)).equals(y)
                        && y.size(1) >= x.size(1)
                        && y.size(2) >= x.size(2);
        if (!fits) {
            throw new IllegalArgumentException("gradient of upsampleNearest of " + x + ": " + dy);
        }
        return x;
    }

    /**
     * The result of {@link GradOps#gatherRows}.
     *
     * @param table [V,E]
     * @param ids each in [0, V)
     * @param dy [..,E], as many rows as there are ids
     * @return {@code table}
     */
    public static Shape gatherRowsTable(Shape table, int[] ids, Tensor dy) {
        boolean fits =
                table.rank() == 2
                        && dy.shape().rank() > 0
                        && dy.shape().size(-1) == table.size(1)
                        && dy.shape().count() == Math.multiplyExact(ids.length, table.size(1));
        if (!fits) {
            throw new IllegalArgumentException(
                    "gradient of gatherRows of %d ids from %s: %s"
                            .formatted(ids.length, table, dy));
        }
        for (int id : ids) {
            if (id < 0 || id >= table.size(0)) {
                throw new IllegalArgumentException("gradient of gatherRows: no row " + id);
            }
        }
        return table;
    }

    private static void vector(String what, Tensor tensor, long size) {
        if (tensor.shape().rank() != 1 || tensor.shape().size(0) != size) {
            throw new IllegalArgumentException(
                    "%s %s should have shape [%d]".formatted(what, tensor, size));
        }
    }
}
