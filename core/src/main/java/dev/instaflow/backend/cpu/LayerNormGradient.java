package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_primitive_desc;

/** Layer norm backwards, by oneDNN: statistics once more, then its backward primitive. */
final class LayerNormGradient {
    private final CpuEngine engine;

    LayerNormGradient(CpuEngine engine) {
        this.engine = engine;
    }

    /** Addresses of what goes in and comes out. */
    record Operands(long x, long gamma, long dy, long dx, long dgamma, long dbeta) {}

    /** Gradients of the layer norm of rows of C values. */
    void run(long rows, long c, float eps, Operands at) {
        long statistics = CpuStorage.bytesOf(rows);
        long values = CpuStorage.bytesOf(rows * c);
        MemoryPool.Block buffers = engine.pool().take(2 * statistics + values, "layer norm");
        try {
            long mean = buffers.address() + values;
            long variance = mean + statistics;
            // The normalised values are not needed, but the primitive writes them.
            statistics(rows, c, eps).run(at.x, buffers.address(), mean, variance);
            gradient(rows, c, eps)
                    .run(at.x, at.gamma, mean, variance, at.dy, at.dx, at.dgamma, at.dbeta);
        } finally {
            engine.pool().give(buffers);
        }
    }

    private Plan statistics(long rows, long c, float eps) {
        PlanKey key = key(PlanKey.Op.LAYER_NORM_STATISTICS, rows, c, eps);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(Elementwise.WORK_PER_VALUE * rows * c);
            Layout values = builder.argument(DNNL_ARG_SRC, Layout.dense(rows, c));
            builder.argument(DNNL_ARG_DST, Layout.dense(rows, c));
            Layout each = builder.argument(DNNL_ARG_MEAN, Layout.dense(rows));
            builder.argument(DNNL_ARG_VARIANCE, Layout.dense(rows));
            return engine.plans()
                    .add(
                            key,
                            builder.build(
                                    (result, cpu, attributes) ->
                                            dnnl_layer_normalization_forward_primitive_desc_create(
                                                    result,
                                                    cpu,
                                                    dnnl_forward_training,
                                                    values.handle(),
                                                    values.handle(),
                                                    each.handle(),
                                                    eps,
                                                    dnnl_normalization_flags_none,
                                                    attributes)));
        }
    }

    private Plan gradient(long rows, long c, float eps) {
        PlanKey key = key(PlanKey.Op.LAYER_NORM_GRADIENT, rows, c, eps);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(Elementwise.WORK_PER_VALUE * rows * c);
            Layout values = builder.argument(DNNL_ARG_SRC, Layout.dense(rows, c));
            builder.argument(DNNL_ARG_SCALE, Layout.dense(c));
            Layout each = builder.argument(DNNL_ARG_MEAN, Layout.dense(rows));
            builder.argument(DNNL_ARG_VARIANCE, Layout.dense(rows));
            builder.argument(DNNL_ARG_DIFF_DST, Layout.dense(rows, c));
            builder.argument(DNNL_ARG_DIFF_SRC, Layout.dense(rows, c));
            builder.argument(DNNL_ARG_DIFF_SCALE, Layout.dense(c));
            builder.argument(DNNL_ARG_DIFF_SHIFT, Layout.dense(c));
            return engine.plans()
                    .add(
                            key,
                            builder.build(
                                    new BackwardFactory(
                                            (result, cpu) ->
                                                    forward(result, cpu, values, each, eps),
                                            (result, cpu, forward, attributes) ->
                                                    dnnl_layer_normalization_backward_primitive_desc_create(
                                                            result,
                                                            cpu,
                                                            dnnl_backward,
                                                            values.handle(),
                                                            values.handle(),
                                                            values.handle(),
                                                            each.handle(),
                                                            eps,
                                                            dnnl_use_scale | dnnl_use_shift,
                                                            forward,
                                                            attributes))));
        }
    }

    /** The description that the backward primitive asks for. */
    private static int forward(
            dnnl_primitive_desc result, dnnl_engine cpu, Layout values, Layout each, float eps) {
        return dnnl_layer_normalization_forward_primitive_desc_create(
                result,
                cpu,
                dnnl_forward_training,
                values.handle(),
                values.handle(),
                each.handle(),
                eps,
                dnnl_use_scale | dnnl_use_shift,
                null);
    }

    private static PlanKey key(PlanKey.Op op, long rows, long c, float eps) {
        return new PlanKey(op, rows, c, Float.floatToRawIntBits(eps));
    }
}
