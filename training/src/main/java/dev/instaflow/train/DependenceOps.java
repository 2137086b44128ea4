package dev.instaflow.train;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.NormedConvolution;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Keeps account of which results depend on tracked tensors, without recording how: a block on which nothing
 * tracked has an influence need not be computed again.
 */
final class DependenceOps extends ForwardingOps {
    private final Predicate<Tensor> tracked;
    private final Set<Tensor> dependent;

    DependenceOps(Ops inner, Predicate<Tensor> tracked) {
        this(inner, tracked, Collections.newSetFromMap(new IdentityHashMap<>()));
    }

    private DependenceOps(Ops inner, Predicate<Tensor> tracked, Set<Tensor> dependent) {
        super(inner);
        this.tracked = tracked;
        this.dependent = dependent;
    }

    boolean depends(Tensor tensor) {
        return tracked.test(tensor) || dependent.contains(tensor);
    }

    @Override
    protected Ops over(Ops other) {
        return new DependenceOps(other, tracked, dependent);
    }

    @Override
    protected Tensor made(Tensor y, Tensor... inputs) {
        for (Tensor input : inputs) {
            if (depends(input)) {
                dependent.add(y);
                return y;
            }
        }
        return y;
    }

    // Fused as without a tape: of what is recomputed nothing is recorded now.

    @Override
    public Tensor conv2dAddPerChannel(
            ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor perChannel) {
        Tensor y = inner().conv2dAddPerChannel(spec, x, weight, bias, perChannel);
        return made(y, x, weight, bias, perChannel);
    }

    @Override
    public Tensor normedConv2d(NormedConvolution layers, Tensor x) {
        Tensor y = inner().normedConv2d(layers, x);
        return made(y, x, layers.gamma(), layers.beta(), layers.weight(), layers.bias());
    }

    @Override
    public Tensor normedConv2dAdd(NormedConvolution layers, Tensor x, Tensor residual) {
        Tensor y = inner().normedConv2dAdd(layers, x, residual);
        return made(y, x, residual, layers.gamma(), layers.beta(), layers.weight(), layers.bias());
    }

    @Override
    public Tensor normedConv2dAddPerChannel(NormedConvolution layers, Tensor x, Tensor perChannel) {
        Tensor y = inner().normedConv2dAddPerChannel(layers, x, perChannel);
        return made(
                y, x, perChannel, layers.gamma(), layers.beta(), layers.weight(), layers.bias());
    }

    @Override
    public Tensor upsampleConv2d(Tensor x, Tensor weight, Tensor bias) {
        return made(inner().upsampleConv2d(x, weight, bias), x, weight, bias);
    }

    @Override
    public Tensor linearGeglu(Tensor x, Tensor weight, Tensor bias) {
        return made(inner().linearGeglu(x, weight, bias), x, weight, bias);
    }
}
