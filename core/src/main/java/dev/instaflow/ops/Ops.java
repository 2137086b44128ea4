package dev.instaflow.ops;

import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.List;
import java.util.function.Function;

/**
 * The tensor operations that the models are made of. Results belong to the scope that this object came
 * from and never share memory with an argument, except those of {@link #view}. Arguments are never
 * modified. All of them live on one backend. An object serves one thread.
 *
 * <p>Letters: N batch, H and W height and width, C channels, T tokens. Images are {@code [N,H,W,C]},
 * sequences {@code [N,T,C]}; an operation on the last dimension takes any rank. Wrong shapes are an
 * {@link IllegalArgumentException} that names both tensors.
 */
public interface Ops {
    /**
     * Opens a scope inside this one's.
     *
     * @return to be closed on the same thread, before this one
     */
    Scope openScope();

    /**
     * Runs a part of a model in a scope of its own. A tape may drop what the part computes on its way and
     * run it again when it needs that, so it must compute the same each time.
     *
     * @param body computes with the operations that it is given
     * @return what it returns, owned by this scope
     */
    default Tensor block(Function<Ops, Tensor> body) {
        try (Scope scope = openScope()) {
            return scope.escape(body.apply(scope.ops()));
        }
    }

    /** A computation that does the same operations whenever its inputs have the same shapes. */
    @FunctionalInterface
    interface Program {
        /**
         * Computes.
         *
         * @param ops what to compute with; neither takes values from the heap nor gives it any
         * @param inputs all that differs from one run to the next
         * @return owned by the scope of {@code ops}
         */
        Tensor run(Ops ops, List<Tensor> inputs);
    }

    /**
     * Whether {@link #replay} is faster than the operations one by one, so that it is worth to do without what is seen
     * between them.
     *
     * @return true if a backend records programs
     */
    default boolean replays() {
        return false;
    }

    /**
     * Runs a program. A backend may record what it does, and play that back when the same object comes with inputs of the same
     * shapes again.
     *
     * @param program one and the same object each time, kept no longer than the weights it uses
     * @param inputs of the program
     * @return owned by this scope
     */
    default Tensor replay(Program program, List<Tensor> inputs) {
        return block(ops -> program.run(ops, inputs));
    }

    /**
     * A tensor from heap values.
     *
     * @param name for messages
     * @param shape as many elements as {@code values}
     * @param values row-major, copied
     * @return F32
     */
    Tensor tensor(String name, Shape shape, float[] values);

    /**
     * The values, after all pending work on them is done.
     *
     * @param x any shape, F32 or what a backend computes in
     * @return row-major, a fresh array
     * @throws IllegalArgumentException if x is a weight that the backend keeps only in a form from which
     *     its values cannot be had again exactly
     */
    float[] toArray(Tensor x);

    /**
     * Some of the values, after all pending work on them is done.
     *
     * @param x any shape, F32 or what a backend computes in
     * @param first index of the first value, row-major
     * @param target receives the values from its start on
     * @param length how many
     * @throws IndexOutOfBoundsException if {@code x} or {@code target} has fewer
     */
    default void read(Tensor x, long first, float[] target, int length) {
        System.arraycopy(toArray(x), Math.toIntExact(first), target, 0, length);
    }

    /**
     * Another shape over the same memory.
     *
     * @param x any shape
     * @param shape the same count
     * @return a view that keeps the memory alive as long as this scope
     */
    Tensor view(Tensor x, Shape shape);

    /**
     * Convolution (cross-correlation, as the frameworks have it).
     *
     * @param spec the geometry
     * @param x [N,H,W,Ci]
     * @param weight [Co,Ci,K,K], uploaded as {@link WeightForm.Conv} of the same spec
     * @param bias [Co]
     * @return [N,H',W',Co]
     */
    Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias);

    /**
     * Convolution, then the sum with a residual.
     *
     * @param spec the geometry
     * @param x [N,H,W,Ci]
     * @param weight [Co,Ci,K,K]
     * @param bias [Co]
     * @param residual [N,H',W',Co]
     * @return [N,H',W',Co]
     */
    default Tensor conv2dAdd(ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            return scope.escape(ops.add(ops.conv2d(spec, x, weight, bias), residual));
        }
    }

    /**
     * Convolution, then the sum with a vector for each sample.
     *
     * @param spec the geometry
     * @param x [N,H,W,Ci]
     * @param weight [Co,Ci,K,K]
     * @param bias [Co]
     * @param perChannel [N,Co]
     * @return [N,H',W',Co]
     */
    default Tensor conv2dAddPerChannel(
            ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor perChannel) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            return scope.escape(ops.addPerChannel(ops.conv2d(spec, x, weight, bias), perChannel));
        }
    }

    /**
     * {@code conv(activation(norm(x)))}.
     *
     * @param layers norm, activation and convolution
     * @param x [N,H,W,Ci]
     * @return [N,H',W',Co]
     */
    default Tensor normedConv2d(NormedConvolution layers, Tensor x) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            Tensor h = ops.groupNorm(layers.norm(), x, layers.gamma(), layers.beta());
            return scope.escape(ops.conv2d(layers.conv(), h, layers.weight(), layers.bias()));
        }
    }

    /**
     * {@code conv(activation(norm(x))) + residual}.
     *
     * @param layers norm, activation and convolution
     * @param x [N,H,W,Ci]
     * @param residual [N,H',W',Co]
     * @return [N,H',W',Co]
     */
    default Tensor normedConv2dAdd(NormedConvolution layers, Tensor x, Tensor residual) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            Tensor h = ops.groupNorm(layers.norm(), x, layers.gamma(), layers.beta());
            return scope.escape(
                    ops.conv2dAdd(layers.conv(), h, layers.weight(), layers.bias(), residual));
        }
    }

    /**
     * {@code conv(activation(norm(x)))} and a vector for each sample, such as a time embedding.
     *
     * @param layers norm, activation and convolution
     * @param x [N,H,W,Ci]
     * @param perChannel [N,Co]
     * @return [N,H',W',Co]
     */
    default Tensor normedConv2dAddPerChannel(
            NormedConvolution layers, Tensor x, Tensor perChannel) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            Tensor h = ops.groupNorm(layers.norm(), x, layers.gamma(), layers.beta());
            return scope.escape(
                    ops.conv2dAddPerChannel(
                            layers.conv(), h, layers.weight(), layers.bias(), perChannel));
        }
    }

    /**
     * Nearest-neighbour doubling of both sides, then a 3x3 convolution with padding 1.
     *
     * @param x [N,H,W,Ci]
     * @param weight [Co,Ci,3,3], uploaded as {@link WeightForm.UpsampledConv}
     * @param bias [Co]
     * @return [N,2H,2W,Co]
     */
    default Tensor upsampleConv2d(Tensor x, Tensor weight, Tensor bias) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            Tensor twice = ops.upsampleNearest(x, 2 * x.shape().size(1), 2 * x.shape().size(2));
            return scope.escape(ops.conv2d(ConvSpec.SAME_3X3, twice, weight, bias));
        }
    }

    /**
     * {@code x W^T}.
     *
     * @param x [..,In]
     * @param weight [Out,In], uploaded as {@link WeightForm.Linear}
     * @return [..,Out]
     */
    Tensor linear(Tensor x, Tensor weight);

    /**
     * {@code x W^T + b}.
     *
     * @param x [..,In]
     * @param weight [Out,In]
     * @param bias [Out]
     * @return [..,Out]
     */
    Tensor linear(Tensor x, Tensor weight, Tensor bias);

    /**
     * {@code x W^T + b + residual}.
     *
     * @param x [..,In]
     * @param weight [Out,In]
     * @param bias [Out]
     * @param residual [..,Out]
     * @return [..,Out]
     */
    default Tensor linearAdd(Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            return scope.escape(ops.add(ops.linear(x, weight, bias), residual));
        }
    }

    /**
     * Group normalisation: {@code gamma * (x - mean) / sqrt(var + eps) + beta}, statistics per sample
     * and group of C/groups channels; the variance is the population's. Wu and He 2018, "Group
     * Normalization".
     *
     * @param spec groups, eps and what is applied to the result
     * @param x [N,H,W,C] or [N,T,C]
     * @param gamma [C]
     * @param beta [C]
     * @return the shape of {@code x}
     */
    Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta);

    /**
     * Layer normalisation over the last dimension. Ba et al. 2016, "Layer Normalization".
     *
     * @param x [..,C]
     * @param gamma [C]
     * @param beta [C]
     * @param eps added to the variance
     * @return the shape of {@code x}
     */
    Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps);

    /**
     * {@code softmax(q k^T / sqrt(C/heads)) v}, head by head. Vaswani et al. 2017, "Attention is all
     * you need".
     *
     * @param spec heads and mask
     * @param q [N,T,C]
     * @param k [N,S,C]
     * @param v [N,S,C]
     * @return [N,T,C]
     */
    Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v);

    /**
     * An activation, element by element.
     *
     * @param activation which
     * @param x any shape
     * @return the shape of {@code x}
     */
    Tensor activation(Activation activation, Tensor x);

    /**
     * {@code a * gelu(b)} with the exact GELU, where {@code x = [a, b]} along the last dimension.
     * Shazeer 2020, "GLU Variants Improve Transformer".
     *
     * @param x [..,2F]
     * @return [..,F]
     */
    Tensor geglu(Tensor x);

    /**
     * {@link #geglu} of {@link #linear}.
     *
     * @param x [..,In]
     * @param weight [2F,In]
     * @param bias [2F]
     * @return [..,F]
     */
    default Tensor linearGeglu(Tensor x, Tensor weight, Tensor bias) {
        try (Scope scope = openScope()) {
            Ops ops = scope.ops();
            return scope.escape(ops.geglu(ops.linear(x, weight, bias)));
        }
    }

    /**
     * Nearest-neighbour resize, pixel {@code floor(i * in / out)}.
     *
     * @param x [N,H,W,C]
     * @param height rows of the result, at least H
     * @param width columns of the result, at least W
     * @return [N,height,width,C]
     */
    Tensor upsampleNearest(Tensor x, long height, long width);

    /**
     * Joins along the last dimension.
     *
     * @param a [..,A]
     * @param b [..,B], the same outer sizes
     * @return [..,A+B]
     */
    Tensor concatChannels(Tensor a, Tensor b);

    /**
     * A range of the last dimension.
     *
     * @param x [..,C]
     * @param from first channel
     * @param to one past the last channel
     * @return [..,to-from]
     */
    Tensor sliceChannels(Tensor x, long from, long to);

    /**
     * Joins along the first dimension.
     *
     * @param a [N,..]
     * @param b [M,..], the same inner sizes
     * @return [N+M,..]
     */
    Tensor concatBatch(Tensor a, Tensor b);

    /**
     * A range of the first dimension.
     *
     * @param x [N,..]
     * @param from first sample
     * @param to one past the last sample
     * @return [to-from,..]
     */
    Tensor sliceBatch(Tensor x, long from, long to);

    /**
     * Sum.
     *
     * @param a any shape
     * @param b the same shape
     * @return the same shape
     */
    Tensor add(Tensor a, Tensor b);

    /**
     * Sum with a vector per sample, spread over all positions.
     *
     * @param x [N,..,C]
     * @param perChannel [N,C]
     * @return the shape of {@code x}
     */
    Tensor addPerChannel(Tensor x, Tensor perChannel);

    /**
     * Sum with one sample, spread over the batch.
     *
     * @param x [N,..]
     * @param sample the inner sizes of {@code x}
     * @return the shape of {@code x}
     */
    Tensor addToEach(Tensor x, Tensor sample);

    /**
     * The sum of {@code coefficients[k][n] * xs[k][n]} over k: what samplers and guidance compute.
     *
     * @param coefficients one row a tensor; each row has N values, or a single one for all samples
     * @param xs tensors [N,..] of one shape, at least one
     * @return that shape
     */
    Tensor combine(float[][] coefficients, Tensor... xs);

    /**
     * Product, element by element.
     *
     * @param a any shape
     * @param b the same shape
     * @return the same shape
     */
    Tensor multiply(Tensor a, Tensor b);

    /**
     * Rows of a table.
     *
     * @param table [V,E], uploaded as {@link WeightForm.Plain}
     * @param ids row numbers, N*T of them
     * @param shape [N,T]
     * @return [N,T,E]
     * @throws IllegalArgumentException if an id is outside [0, V)
     */
    Tensor gatherRows(Tensor table, int[] ids, Shape shape);

    /**
     * Whether every element is a finite number.
     *
     * @param x any shape
     * @return false if there is a NaN or an infinity
     */
    boolean isFinite(Tensor x);
}
