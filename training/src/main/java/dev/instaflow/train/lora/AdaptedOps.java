package dev.instaflow.train.lora;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.ForwardingOps;
import java.util.Map;

/**
 * Operations in which some weights have adapters: layers pass their weights as ever, and get the sum.
 */
final class AdaptedOps extends ForwardingOps {
    private final Map<Tensor, Adapter> adapters;

    /**
     * Over other operations.
     *
     * @param adapters by the very tensor that layers hold
     */
    AdaptedOps(Ops inner, Map<Tensor, Adapter> adapters) {
        super(inner);
        this.adapters = adapters;
    }

    @Override
    protected Ops over(Ops other) {
        return new AdaptedOps(other, adapters);
    }

    private boolean has(Tensor weight) {
        return adapters.containsKey(weight);
    }

    @FunctionalInterface
    private interface Sum {
        Tensor in(Ops ops);
    }

    private Tensor scoped(Sum sum) {
        try (Scope scope = inner().openScope()) {
            return scope.escape(sum.in(scope.ops()));
        }
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        return has(weight)
                ? scoped(ops -> adapters.get(weight).add(ops, x, ops.linear(x, weight)))
                : super.linear(x, weight);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        return has(weight)
                ? scoped(ops -> adapters.get(weight).add(ops, x, ops.linear(x, weight, bias)))
                : super.linear(x, weight, bias);
    }

    @Override
    public Tensor linearAdd(Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        return has(weight)
                ? scoped(
                        ops -> {
                            Tensor y = ops.linearAdd(x, weight, bias, residual);
                            return adapters.get(weight).add(ops, x, y);
                        })
                : super.linearAdd(x, weight, bias, residual);
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        return has(weight)
                ? scoped(
                        ops -> {
                            Tensor y = ops.conv2d(spec, x, weight, bias);
                            return adapters.get(weight).add(ops, spec, x, y);
                        })
                : super.conv2d(spec, x, weight, bias);
    }

    @Override
    public Tensor conv2dAdd(ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        return has(weight)
                ? scoped(
                        ops -> {
                            Tensor y = ops.conv2dAdd(spec, x, weight, bias, residual);
                            return adapters.get(weight).add(ops, spec, x, y);
                        })
                : super.conv2dAdd(spec, x, weight, bias, residual);
    }
}
