package dev.instaflow.train.lora;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/**
 * What stands beside one weight: {@code scale * up(down(x))}. The tensors belong to {@link Adapters}.
 *
 * @param down [r,In] or [r,Ci,K,K]
 * @param up [Out,r]
 * @param noDownBias zeros [r]
 * @param noUpBias zeros [Out]
 * @param scale alpha over rank
 */
record Adapter(Tensor down, Tensor up, Tensor noDownBias, Tensor noUpBias, float scale) {
    /** Adds to {@code y} [..,Out] what the adapter makes of {@code x} [..,In]. */
    Tensor add(Ops ops, Tensor x, Tensor y) {
        return addUp(ops, ops.linear(x, down), y);
    }

    /** Adds to {@code y} [N,H',W',Co] what the adapter makes of {@code x} [N,H,W,Ci]. */
    Tensor add(Ops ops, ConvSpec spec, Tensor x, Tensor y) {
        return addUp(ops, ops.conv2d(spec, x, down, noDownBias), y);
    }

    private Tensor addUp(Ops ops, Tensor inner, Tensor y) {
        Tensor scaled = scale == 1 ? inner : ops.combine(new float[][] {{scale}}, inner);
        return ops.linearAdd(scaled, up, noUpBias, y);
    }
}
