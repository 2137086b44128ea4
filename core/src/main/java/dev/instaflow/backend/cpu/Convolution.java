package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;

/** Convolutions on channels-last images with packed weights. */
final class Convolution {
    /** Assumed where the upload gives no hint: the side of SD's latents. */
    private static final int DEFAULT_SIDE = 64;

    private final CpuEngine engine;
    private final WeightedPlans plans;

    Convolution(CpuEngine engine) {
        this.engine = engine;
        this.plans = new WeightedPlans(engine);
    }

    /** The shared layout that a weight [Co,Ci,K,K] is best packed in for its hinted size. */
    Layout preferred(WeightForm.Conv form, Shape weight) {
        ConvSpec spec = form.spec();
        int height = form.heightHint() > 0 ? form.heightHint() : DEFAULT_SIDE;
        int width = form.widthHint() > 0 ? form.widthHint() : DEFAULT_SIDE;
        Shape x =
                Shape.of(
                        1,
                        Math.max(height, spec.kernel()),
                        Math.max(width, spec.kernel()),
                        weight.size(1));
        Shape y = Shape.of(1, spec.outHeight(x.size(1)), spec.outWidth(x.size(2)), weight.size(0));
        return plans.preferred(key(spec, x, y, -1, 0), new Maker(spec, x, y, 0));
    }

    /** Begins {@code y = conv(x) + bias}; x, bias, y and {@code residuals} residuals follow, 0 or 1. */
    Plan.Call call(ConvSpec spec, Shape x, Shape y, PackedWeight weight, int residuals) {
        PlanKey key = key(spec, x, y, weight.layout().number(), residuals);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            plan = plans.make(key, weight.layout(), new Maker(spec, x, y, residuals));
        }
        return WeightedPlans.call(plan, weight);
    }

    private PlanKey key(ConvSpec spec, Shape x, Shape y, int layout, int residuals) {
        return engine.plans()
                .key(PlanKey.Op.CONV)
                .with(layout)
                .with(residuals)
                .with(x.size(0))
                .with(x.size(1))
                .with(x.size(2))
                .with(x.size(3))
                .with(y.size(3))
                .with(spec.kernel())
                .with(spec.stride())
                .with(spec.top())
                .with(spec.left())
                .with(spec.bottom())
                .with(spec.right());
    }

    private final class Maker implements WeightedPlans.Maker {
        private final ConvSpec spec;
        private final Shape x;
        private final Shape y;
        private final int residuals;

        Maker(ConvSpec spec, Shape x, Shape y, int residuals) {
            this.spec = spec;
            this.x = x;
            this.y = y;
            this.residuals = residuals;
        }

        @Override
        public Layout anyLayout() {
            return Layout.any(y.size(3), x.size(3), spec.kernel(), spec.kernel());
        }

        @Override
        public PlanBuilder.Factory describe(PlanBuilder builder, Layout weights) {
            builder.work((double) y.count() * x.size(3) * spec.kernel() * spec.kernel());
            builder.argument(DNNL_ARG_WEIGHTS, weights);
            Layout from = builder.argument(DNNL_ARG_SRC, image(x));
            Layout bias = builder.argument(DNNL_ARG_BIAS, Layout.dense(y.size(3)));
            Layout to = builder.argument(DNNL_ARG_DST, image(y));
            if (residuals > 0) {
                builder.thenBinary(dnnl_binary_add, image(y));
            }
            return (result, cpu, attributes) ->
                    dnnl_convolution_forward_primitive_desc_create(
                            result,
                            cpu,
                            dnnl_forward_inference,
                            dnnl_convolution_direct,
                            from.handle(),
                            weights.handle(),
                            bias.handle(),
                            to.handle(),
                            new long[] {spec.stride(), spec.stride()},
                            new long[] {0, 0},
                            new long[] {spec.top(), spec.left()},
                            new long[] {spec.bottom(), spec.right()},
                            attributes);
        }

        private static Layout image(Shape shape) {
            return Layout.image(shape.size(0), shape.size(1), shape.size(2), shape.size(3));
        }
    }
}
