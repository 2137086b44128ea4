package dev.instaflow.train;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionGradients;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormGradients;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Operations of a backend that are remembered, so that gradients can be computed afterwards: reverse-mode
 * differentiation. Whatever depends on a {@linkplain #watch watched} tensor is recorded; the rest is
 * computed as without a tape. All results live until the tape is closed, whatever scope they were made
 * in. Serves one thread, one forward and one backward pass.
 */
public final class Tape implements Ops, AutoCloseable {
    /** What becomes of the results inside a {@linkplain Ops#block block}. */
    public enum Memory {
        /** They are kept for the backward pass. */
        KEEP,
        /**
         * They are dropped and computed again. Chen et al. 2016, "Training Deep Nets with Sublinear Memory
         * Cost": one more forward pass for memory that grows with the number of blocks alone.
         */
        RECOMPUTE
    }

    private final TrainingBackend backend;
    private final Memory memory;
    private final Optional<Tape> outer;
    private final Scope scope;
    private final Ops ops;
    private final Set<Tensor> tracked = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Backpropagation.Node> nodes = new ArrayList<>();
    private final Backpropagation back;

    /**
     * An empty tape.
     *
     * @param backend computes
     * @param memory what becomes of results inside blocks
     */
    public Tape(TrainingBackend backend, Memory memory) {
        this(backend, memory, Optional.empty());
    }

    private Tape(TrainingBackend backend, Memory memory, Optional<Tape> outer) {
        this.backend = backend;
        this.memory = memory;
        this.outer = outer;
        this.scope = backend.openScope("tape");
        this.ops = scope.ops();
        this.back = new Backpropagation(backend, this::tracks);
    }

    /**
     * Asks for gradients with respect to some tensors. To be called before anything is computed of them.
     *
     * @param leaves weights, or inputs made by this tape
     */
    public void watch(Collection<Tensor> leaves) {
        tracked.addAll(leaves);
    }

    private boolean tracks(Tensor tensor) {
        return tracked.contains(tensor) || outer.isPresent() && outer.get().tracks(tensor);
    }

    /**
     * Computes the gradients of a loss with respect to all watched tensors.
     *
     * @param seeds the gradients of the loss with respect to the results that it is made of
     */
    public void backward(List<Seed> seeds) {
        seeds.forEach(seed -> back.seed(seed.output(), seed.gradient()));
        back.run(nodes);
        nodes.clear();
    }

    /**
     * What {@link #backward} has computed.
     *
     * @param leaf a watched tensor
     * @return its shape, of this tape; empty if the loss does not depend on it
     */
    public Optional<Tensor> gradient(Tensor leaf) {
        return Optional.ofNullable(back.of(leaf));
    }

    private Tensor record(Tensor y, Backpropagation.Rule rule, Tensor... inputs) {
        for (Tensor input : inputs) {
            if (tracks(input)) {
                return remember(y, rule);
            }
        }
        return y;
    }

    private Tensor remember(Tensor y, Backpropagation.Rule rule) {
        tracked.add(y);
        nodes.add(new Backpropagation.Node(y, rule));
        return y;
    }

    @Override
    public Tensor block(Function<Ops, Tensor> body) {
        if (memory == Memory.KEEP) {
            return body.apply(this);
        }
        try (Scope inner = ops.openScope()) {
            DependenceOps watched = new DependenceOps(inner.ops(), this::tracks);
            Tensor y = inner.escape(body.apply(watched));
            return watched.depends(y) ? remember(y, (pass, dy) -> again(body, pass, dy)) : y;
        }
    }

    private void again(Function<Ops, Tensor> body, Backpropagation pass, Tensor dy) {
        try (Tape inner = new Tape(backend, Memory.KEEP, Optional.of(this))) {
            inner.backward(List.of(new Seed(body.apply(inner), dy)));
            inner.back.moveTo(pass);
        }
    }

    /** A scope in name only: the backward pass needs what it would free. */
    private final class TapeScope implements Scope {
        @Override
        public Ops ops() {
            return Tape.this;
        }

        @Override
        public Tensor escape(Tensor tensor) {
            return tensor;
        }

        @Override
        public void close() {}
    }

    @Override
    public Scope openScope() {
        return new TapeScope();
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        return ops.tensor(name, shape, values);
    }

    @Override
    public float[] toArray(Tensor x) {
        return ops.toArray(x);
    }

    @Override
    public void read(Tensor x, long first, float[] target, int length) {
        ops.read(x, first, target, length);
    }

    @Override
    public boolean isFinite(Tensor x) {
        return ops.isFinite(x);
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        return record(ops.view(x, shape), (pass, dy) -> pass.same(x, dy), x);
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Tensor y = ops.conv2d(spec, x, weight, bias);
        return record(
                y, (pass, dy) -> convGradients(pass, spec, x, weight, bias, dy), x, weight, bias);
    }

    @Override
    public Tensor conv2dAdd(ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Tensor y = ops.conv2dAdd(spec, x, weight, bias, residual);
        return record(
                y,
                (pass, dy) -> {
                    convGradients(pass, spec, x, weight, bias, dy);
                    pass.same(residual, dy);
                },
                x,
                weight,
                bias,
                residual);
    }

    private static void convGradients(
            Backpropagation pass, ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor dy) {
        pass.to(x, () -> pass.gradOps().conv2dInput(spec, x.shape(), weight, dy));
        pass.to(weight, () -> pass.gradOps().conv2dWeight(spec, x, dy));
        pass.to(bias, () -> sumOfRows(pass, dy, bias.shape()));
    }

    /** The sum over all that comes before the last {@code shape.count()} values. */
    private static Tensor sumOfRows(Backpropagation pass, Tensor dy, Shape shape) {
        long width = shape.count();
        Tensor rows = pass.ops().view(dy, Shape.of(1, dy.shape().count() / width, width));
        return pass.ops().view(pass.gradOps().channelSums(rows), shape);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        Tensor y = ops.linear(x, weight);
        return record(y, (pass, dy) -> linearGradients(pass, x, weight, dy), x, weight);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        Tensor y = ops.linear(x, weight, bias);
        return record(
                y,
                (pass, dy) -> {
                    linearGradients(pass, x, weight, dy);
                    pass.to(bias, () -> sumOfRows(pass, dy, bias.shape()));
                },
                x,
                weight,
                bias);
    }

    @Override
    public Tensor linearAdd(Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Tensor y = ops.linearAdd(x, weight, bias, residual);
        return record(
                y,
                (pass, dy) -> {
                    linearGradients(pass, x, weight, dy);
                    pass.to(bias, () -> sumOfRows(pass, dy, bias.shape()));
                    pass.same(residual, dy);
                },
                x,
                weight,
                bias,
                residual);
    }

    private static void linearGradients(Backpropagation pass, Tensor x, Tensor weight, Tensor dy) {
        pass.to(x, () -> pass.gradOps().linearInput(weight, dy));
        pass.to(weight, () -> pass.gradOps().linearWeight(x, dy));
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        Tensor y = ops.groupNorm(spec, x, gamma, beta);
        return record(
                y,
                (pass, dy) ->
                        normGradients(
                                pass,
                                pass.gradOps().groupNorm(spec, x, gamma, beta, dy),
                                new Tensor[] {x, gamma, beta}),
                x,
                gamma,
                beta);
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        Tensor y = ops.layerNorm(x, gamma, beta, eps);
        return record(
                y,
                (pass, dy) ->
                        normGradients(
                                pass,
                                pass.gradOps().layerNorm(x, gamma, eps, dy),
                                new Tensor[] {x, gamma, beta}),
                x,
                gamma,
                beta);
    }

    private static void normGradients(
            Backpropagation pass, NormGradients gradients, Tensor[] inputs) {
        pass.give(inputs[0], gradients.x());
        pass.give(inputs[1], gradients.gamma());
        pass.give(inputs[2], gradients.beta());
    }

    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        return record(
                ops.attention(spec, q, k, v),
                (pass, dy) -> {
                    AttentionGradients d = pass.gradOps().attention(spec, q, k, v, dy);
                    pass.give(q, d.q());
                    pass.give(k, d.k());
                    pass.give(v, d.v());
                },
                q,
                k,
                v);
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        return record(
                ops.activation(activation, x),
                (pass, dy) -> pass.to(x, () -> pass.gradOps().activation(activation, x, dy)),
                x);
    }

    @Override
    public Tensor geglu(Tensor x) {
        return record(ops.geglu(x), (pass, dy) -> pass.to(x, () -> pass.gradOps().geglu(x, dy)), x);
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        return record(
                ops.upsampleNearest(x, height, width),
                (pass, dy) -> pass.to(x, () -> pass.gradOps().upsampleNearest(x.shape(), dy)),
                x);
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        long left = a.shape().size(-1);
        long both = left + b.shape().size(-1);
        return record(
                ops.concatChannels(a, b),
                (pass, dy) -> {
                    pass.to(a, () -> pass.ops().sliceChannels(dy, 0, left));
                    pass.to(b, () -> pass.ops().sliceChannels(dy, left, both));
                },
                a,
                b);
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        long first = a.shape().size(0);
        long both = first + b.shape().size(0);
        return record(
                ops.concatBatch(a, b),
                (pass, dy) -> {
                    pass.to(a, () -> pass.ops().sliceBatch(dy, 0, first));
                    pass.to(b, () -> pass.ops().sliceBatch(dy, first, both));
                },
                a,
                b);
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        Padding padding = new Padding(-1, x.shape(), from, to);
        return record(
                ops.sliceChannels(x, from, to),
                (pass, dy) -> pass.to(x, () -> padding.around(pass.ops(), dy)),
                x);
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        Padding padding = new Padding(0, x.shape(), from, to);
        return record(
                ops.sliceBatch(x, from, to),
                (pass, dy) -> pass.to(x, () -> padding.around(pass.ops(), dy)),
                x);
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return record(
                ops.add(a, b),
                (pass, dy) -> {
                    pass.same(a, dy);
                    pass.same(b, dy);
                },
                a,
                b);
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        return record(
                ops.addPerChannel(x, perChannel),
                (pass, dy) -> {
                    pass.same(x, dy);
                    pass.to(perChannel, () -> pass.gradOps().channelSums(dy));
                },
                x,
                perChannel);
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        return record(
                ops.addToEach(x, sample),
                (pass, dy) -> {
                    pass.same(x, dy);
                    pass.to(sample, () -> sumOfRows(pass, dy, sample.shape()));
                },
                x,
                sample);
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        Tensor[] terms = xs.clone();
        float[][] kept = new float[coefficients.length][];
        Arrays.setAll(kept, k -> coefficients[k].clone());
        return record(
                ops.combine(coefficients, xs),
                (pass, dy) -> {
                    for (int k = 0; k < terms.length; k++) {
                        float[][] factor = {kept[k]};
                        pass.to(terms[k], () -> pass.ops().combine(factor, dy));
                    }
                },
                terms);
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        return record(
                ops.multiply(a, b),
                (pass, dy) -> {
                    pass.to(a, () -> pass.ops().multiply(dy, b));
                    pass.to(b, () -> pass.ops().multiply(dy, a));
                },
                a,
                b);
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        int[] kept = ids.clone();
        return record(
                ops.gatherRows(table, ids, shape),
                (pass, dy) ->
                        pass.to(table, () -> pass.gradOps().gatherRows(table.shape(), kept, dy)),
                table);
    }

    /** Frees all that was computed on it, gradients included. */
    @Override
    public void close() {
        back.close();
        scope.close();
    }
}
