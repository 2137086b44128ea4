package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.tensor.Shape;

/** The backward halves of a convolution, by oneDNN's own primitives. */
final class ConvolutionGradient {
    private final CpuEngine engine;
    private final WeightedPlans plans;

    ConvolutionGradient(CpuEngine engine) {
        this.engine = engine;
        this.plans = new WeightedPlans(engine);
    }

    /** With respect to the input: {@code dy} [N,H',W',Co] to {@code dx} [N,H,W,Ci]. */
    void input(ConvSpec spec, Shape x, Shape y, PackedWeight weight, long dy, long dx) {
        PlanKey key = key(PlanKey.Op.CONV_INPUT, weight.layout().number(), spec, x, y);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            plan = plans.make(key, weight.layout(), new InputMaker(spec, x, y));
        }
        WeightedPlans.call(plan, weight).with(dy).with(dx).run();
    }

    /** With respect to the kernel, written to {@code dw} as [Co,Ci,K,K] without gaps. */
    void weight(ConvSpec spec, Shape x, Shape y, long from, long dy, long dw) {
        PlanKey key = key(PlanKey.Op.CONV_WEIGHT, -1, spec, x, y);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            plan = engine.plans().add(key, weightPlan(key, spec, x, y));
        }
        try (Layout plain = Layout.dense(y.size(3), x.size(3), spec.kernel(), spec.kernel())) {
            weight(plan, plain, from, dy, dw);
        } finally {
            plan.release();
        }
    }

    private void weight(Plan plan, Layout plain, long from, long dy, long dw) {
        Layout chosen = plan.layout(WeightedPlans.WEIGHTS);
        MemoryPool.Block packed = engine.pool().take(chosen.bytes(), "gradient of a kernel");
        try {
            plan.execute(packed.address(), from, dy);
            WeightPacker.reorder(engine, chosen, plain).run(packed.address(), dw);
        } finally {
            engine.pool().give(packed);
        }
    }

    private Plan weightPlan(PlanKey key, ConvSpec spec, Shape x, Shape y) {
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(work(spec, x, y));
            Layout weights =
                    builder.argument(
                            DNNL_ARG_DIFF_WEIGHTS,
                            Layout.any(y.size(3), x.size(3), spec.kernel(), spec.kernel()));
            Layout from = builder.argument(DNNL_ARG_SRC, image(x));
            Layout to = builder.argument(DNNL_ARG_DIFF_DST, image(y));
            return builder.build(
                    new BackwardFactory(
                            forward(spec, from, weights, to),
                            (result, cpu, forward, attributes) ->
                                    dnnl_convolution_backward_weights_primitive_desc_create(
                                            result,
                                            cpu,
                                            dnnl_convolution_direct,
                                            from.handle(),
                                            weights.handle(),
                                            null,
                                            to.handle(),
                                            strides(spec),
                                            new long[2],
                                            before(spec),
                                            after(spec),
                                            forward,
                                            attributes)));
        }
    }

    private static BackwardFactory.Forward forward(
            ConvSpec spec, Layout from, Layout weights, Layout to) {
        return (result, cpu) ->
                dnnl_convolution_forward_primitive_desc_create(
                        result,
                        cpu,
                        dnnl_forward_training,
                        dnnl_convolution_direct,
                        from.handle(),
                        weights.handle(),
                        null,
                        to.handle(),
                        strides(spec),
                        new long[2],
                        before(spec),
                        after(spec),
                        null);
    }

    private static long[] strides(ConvSpec spec) {
        return new long[] {spec.stride(), spec.stride()};
    }

    private static long[] before(ConvSpec spec) {
        return new long[] {spec.top(), spec.left()};
    }

    private static long[] after(ConvSpec spec) {
        return new long[] {spec.bottom(), spec.right()};
    }

    private static double work(ConvSpec spec, Shape x, Shape y) {
        return (double) y.count() * x.size(3) * spec.kernel() * spec.kernel();
    }

    private static Layout image(Shape shape) {
        return Layout.image(shape.size(0), shape.size(1), shape.size(2), shape.size(3));
    }

    private static PlanKey key(PlanKey.Op op, int layout, ConvSpec spec, Shape x, Shape y) {
        return new PlanKey(
                op,
                layout,
                x.size(0),
                x.size(1),
                x.size(2),
                x.size(3),
                y.size(3),
                spec.kernel(),
                spec.stride(),
                spec.top(),
                spec.left(),
                spec.bottom(),
                spec.right());
    }

    private record InputMaker(ConvSpec spec, Shape x, Shape y) implements WeightedPlans.Maker {
        @Override
        public Layout anyLayout() {
            return Layout.any(y.size(3), x.size(3), spec.kernel(), spec.kernel());
        }

        @Override
        public PlanBuilder.Factory describe(PlanBuilder builder, Layout weights) {
            builder.work(work(spec, x, y));
            builder.argument(DNNL_ARG_WEIGHTS, weights);
            Layout to = builder.argument(DNNL_ARG_DIFF_DST, image(y));
            Layout from = builder.argument(DNNL_ARG_DIFF_SRC, image(x));
            return new BackwardFactory(
                    forward(spec, from, weights, to),
                    (result, cpu, forward, attributes) ->
                            dnnl_convolution_backward_data_primitive_desc_create(
                                    result,
                                    cpu,
                                    dnnl_convolution_direct,
                                    from.handle(),
                                    weights.handle(),
                                    to.handle(),
                                    strides(spec),
                                    new long[2],
                                    before(spec),
                                    after(spec),
                                    forward,
                                    attributes));
        }
    }
}
