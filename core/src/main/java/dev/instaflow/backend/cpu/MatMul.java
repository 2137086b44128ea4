package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.dnnl.dnnl_memory_desc;

/** Linear layers: rows times a packed matrix, with what can be fused behind the product. */
final class MatMul {
    /** Rows for which a matrix is packed; oneDNN's choice hardly depends on it. */
    private static final long TYPICAL_ROWS = 1024;

    /** What a product is fused with; a residual and a gate are operands of the size of the result. */
    enum Tail {
        /** Nothing. */
        NONE,
        /** {@code + b}. */
        BIAS,
        /** {@code + b + residual}. */
        BIAS_RESIDUAL,
        /** {@code gelu(. + b)}, exact. */
        BIAS_GELU,
        /** {@code (. + b) * gate}. */
        BIAS_GATE
    }

    private static final long CUTS_A_BLOCK = -1;

    private final CpuEngine engine;
    private final WeightedPlans plans;
    private final Map<Layout, Long> secondHalves = new ConcurrentHashMap<>();

    MatMul(CpuEngine engine) {
        this.engine = engine;
        this.plans = new WeightedPlans(engine);
    }

    /** The shared layout that a matrix [Out,In] is best packed in. */
    Layout preferred(long in, long out) {
        PlanKey key = key(Tail.NONE, -1, TYPICAL_ROWS, in, out);
        return plans.preferred(key, new Maker(Tail.NONE, TYPICAL_ROWS, in, out));
    }

    /** Begins {@code y = tail(x W^T)}; x, [bias], y, [residual] follow as the tail has them. */
    Plan.Call call(Tail tail, long rows, PackedWeight weight, long in, long out) {
        PlanKey key = key(tail, weight.layout().number(), rows, in, out);
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            plan = plans.make(key, weight.layout(), new Maker(tail, rows, in, out));
        }
        return WeightedPlans.call(plan, weight);
    }

    /**
     * {@code y = (x Wa^T + ba) * gelu(x Wb^T + bb)} for {@code W = [Wa; Wb]}: two products, the second
     * taking the first one's result as it leaves the registers. Nothing is done and false returned where
     * the packing does not keep the halves of the output channels apart.
     */
    boolean geglu(long rows, PackedWeight weight, long in, long half, long x, long bias, long y) {
        long second = secondHalf(weight, in, half);
        if (second == CUTS_A_BLOCK) {
            return false;
        }
        Plan gate = half(Tail.BIAS_GELU, rows, weight, in, half);
        if (gate == null) {
            return false;
        }
        Plan value = half(Tail.BIAS_GATE, rows, weight, in, half);
        if (value == null) {
            gate.release();
            return false;
        }
        MemoryPool.Block gates =
                engine.pool().take(CpuStorage.bytesOf(rows * half), "gates of a linear layer");
        try (PackedWeight.Use use = weight.in(weight.layout())) {
            long g = gates.address();
            gate.call()
                    .with(use.address() + second)
                    .with(x)
                    .with(bias + CpuStorage.bytesOf(half))
                    .with(g)
                    .execute();
            value.call().with(use.address()).with(x).with(bias).with(y).with(g).execute();
        } finally {
            engine.pool().give(gates);
            gate.release();
            value.release();
        }
        return true;
    }

    /** The held plan of a product with the first half of the output channels, or null. */
    private Plan half(Tail tail, long rows, PackedWeight weight, long in, long half) {
        PlanKey key = key(tail, weight.layout().number(), rows, in, half, 2);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        Layout part = weight.layout().part(new long[] {in, half}, new long[2]);
        Plan fresh = plans.tryBuild(key, part, new Maker(tail, rows, in, half));
        if (fresh != null && fresh.isFallback()) {
            fresh.close();
            return null;
        }
        return fresh == null ? null : engine.plans().add(key, fresh);
    }

    /** Where the second half of the output channels starts, in bytes, or {@link #CUTS_A_BLOCK}. */
    private long secondHalf(PackedWeight weight, long in, long half) {
        Long known = secondHalves.get(weight.layout());
        if (known == null) {
            try (Layout part = weight.layout().part(new long[] {in, half}, new long[] {0, half})) {
                known = part == null ? CUTS_A_BLOCK : part.offsetBytes();
            }
            secondHalves.put(weight.layout(), known);
        }
        return known;
    }

    private PlanKey key(Tail tail, int layout, long rows, long in, long out) {
        return key(tail, layout, rows, in, out, 1);
    }

    private PlanKey key(Tail tail, int layout, long rows, long in, long out, long parts) {
        return engine.plans()
                .key(PlanKey.Op.LINEAR)
                .with(tail.ordinal())
                .with(layout)
                .with(rows)
                .with(in)
                .with(out)
                .with(parts);
    }

    private final class Maker implements WeightedPlans.Maker {
        private final Tail tail;
        private final long rows;
        private final long in;
        private final long out;

        Maker(Tail tail, long rows, long in, long out) {
            this.tail = tail;
            this.rows = rows;
            this.in = in;
            this.out = out;
        }

        @Override
        public Layout anyLayout() {
            return Layout.any(in, out);
        }

        @Override
        public PlanBuilder.Factory describe(PlanBuilder builder, Layout weights) {
            builder.work((double) rows * in * out);
            builder.argument(DNNL_ARG_WEIGHTS, weights);
            Layout from = builder.argument(DNNL_ARG_SRC, Layout.dense(rows, in));
            dnnl_memory_desc bias =
                    tail == Tail.NONE
                            ? null
                            : builder.argument(DNNL_ARG_BIAS, Layout.dense(1, out)).handle();
            Layout to = builder.argument(DNNL_ARG_DST, Layout.dense(rows, out));
            switch (tail) {
                case BIAS_RESIDUAL -> builder.thenBinary(dnnl_binary_add, Layout.dense(rows, out));
                case BIAS_GELU -> builder.thenEltwise(dnnl_eltwise_gelu_erf, 0, 0);
                case BIAS_GATE -> builder.thenBinary(dnnl_binary_mul, Layout.dense(rows, out));
                default -> {}
            }
            return (result, cpu, attributes) ->
                    dnnl_matmul_primitive_desc_create(
                            result,
                            cpu,
                            from.handle(),
                            weights.handle(),
                            bias,
                            to.handle(),
                            attributes);
        }
    }
}
