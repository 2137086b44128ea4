package dev.instaflow.kernels;

import dev.instaflow.kernels.AttentionKernel.Extents;
import dev.instaflow.kernels.AttentionKernel.Inputs;
import dev.instaflow.kernels.AttentionKernel.Rows;
import dev.instaflow.kernels.AttentionKernel.Spec;

/**
 * The gradient of {@link AttentionKernel}: {@link #delta}, then {@link #queries} and {@link #keysAndValues} in any order. The
 * probabilities are computed anew from what the forward pass left of each row. See {@code attention_bwd.cu} and {@code
 * attention_plain_bwd.cu}.
 */
public final class AttentionGradientKernel {
    private AttentionGradientKernel() {}

    /**
     * What the gradient is computed from.
     *
     * @param inputs of the forward pass
     * @param lse that it wrote
     * @param delta of {@link #delta}
     * @param dy [N,queries,heads,d]
     */
    public record Saved(Inputs inputs, long lse, long delta, Rows dy) {}

    /**
     * The sums of {@code y * dy} of each row and head.
     *
     * @param spec sizes
     * @param delta written, as large as {@link Spec#lseBytes}
     * @param y of the forward pass
     * @param dy its gradient
     * @return the launch
     */
    public static KernelLaunch delta(Spec spec, long delta, Rows y, Rows dy) {
        Extents e = spec.extents();
        String entry = "attention_plain_bwd_delta_" + spec.storage().suffix();
        KernelLaunch.Builder launch =
                KernelLaunch.of(KernelModule.ATTENTION_PLAIN_BWD, entry)
                        .grid(Sizes.ceilDiv(e.queries(), 8), e.heads(), spec.n())
                        .operand("delta", delta);
        AttentionKernel.rows(launch, spec, "y", y);
        AttentionKernel.rows(launch, spec, "dy", dy);
        return launch.int32(e.queries())
                .int32(y.stride())
                .int32(dy.stride())
                .int32(e.headWidth())
                .block(Sizes.BLOCK);
    }

    /**
     * The gradient of q.
     *
     * @param spec sizes
     * @param dq written, [N,queries,heads,d]
     * @param saved read
     * @return the launch
     */
    public static KernelLaunch queries(Spec spec, Rows dq, Saved saved) {
        Extents e = spec.extents();
        AttentionTiling tiling = AttentionTiling.ofGradient(spec.path(), e.headWidth());
        KernelLaunch.Builder launch =
                KernelLaunch.of(tiling.module(), tiling.entry("q", spec.storage()))
                        .grid(Sizes.ceilDiv(e.queries(), tiling.rows()), e.heads(), spec.n())
                        .shared(tiling.sharedBytes());
        AttentionKernel.rows(launch, spec, "dq", dq);
        operands(launch, spec, saved);
        launch.int32(e.queries()).int32(e.keys()).int32(dq.stride());
        return finish(launch, spec, saved, tiling);
    }

    /**
     * The gradients of k and v.
     *
     * @param spec sizes
     * @param dk written, [N,keys,heads,d]
     * @param dv written, [N,keys,heads,d]
     * @param saved read
     * @return the launch
     */
    public static KernelLaunch keysAndValues(Spec spec, Rows dk, Rows dv, Saved saved) {
        Extents e = spec.extents();
        AttentionTiling tiling = AttentionTiling.ofGradient(spec.path(), e.headWidth());
        long blocks = Sizes.ceilDiv(e.keys(), tiling.rows()) * tiling.parts();
        KernelLaunch.Builder launch =
                KernelLaunch.of(tiling.module(), tiling.entry("kv", spec.storage()))
                        .grid(blocks, e.heads(), spec.n())
                        .shared(tiling.sharedBytes() + tiling.sumBytes());
        AttentionKernel.rows(launch, spec, "dk", dk);
        AttentionKernel.rows(launch, spec, "dv", dv);
        operands(launch, spec, saved);
        launch.int32(e.queries()).int32(e.keys()).int32(dk.stride()).int32(dv.stride());
        return finish(launch, spec, saved, tiling);
    }

    private static void operands(KernelLaunch.Builder launch, Spec spec, Saved saved) {
        launch.operand("lse", saved.lse()).operand("delta", saved.delta());
        AttentionKernel.rows(launch, spec, "q", saved.inputs().q());
        AttentionKernel.rows(launch, spec, "k", saved.inputs().k());
        AttentionKernel.rows(launch, spec, "v", saved.inputs().v());
        AttentionKernel.rows(launch, spec, "dy", saved.dy());
    }

    private static KernelLaunch finish(
            KernelLaunch.Builder launch, Spec spec, Saved saved, AttentionTiling tiling) {
        return launch.int32(saved.inputs().q().stride())
                .int32(saved.inputs().k().stride())
                .int32(saved.inputs().v().stride())
                .int32(saved.dy().stride())
                .int32(spec.extents().headWidth())
                .float32(spec.extents().scale())
                .int32(AttentionKernel.causal(spec))
                .block(tiling.threads());
    }
}
