package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.tensor.Shape;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.javacpp.Pointer;

/**
 * Attention backwards, in tiles of queries as {@link TiledAttention} goes forward. The weights of a tile
 * are computed again; what it passes to keys and values is added to that of the tiles before, so no more
 * than two tiles of scores stand in memory. Dao et al. 2022, "FlashAttention", section 3.1, has the
 * formulas.
 */
final class AttentionGradient {
    /** Bytes of one of the two tiles of scores; they should share the caches. */
    private static final long TILE_BYTES = 8L << 20;

    private static final long QUERY_STEP = 16;

    private final CpuEngine engine;

    AttentionGradient(CpuEngine engine) {
        this.engine = engine;
    }

    /** The products that a tile consists of; part of their plans' keys. */
    private enum Product {
        SCORES,
        TO_VALUES,
        TO_WEIGHTS,
        TO_QUERIES,
        TO_KEYS
    }

    /** Some samples at once, all heads, some or all queries. */
    private record Sizes(
            long batch, long heads, long queries, long t, long s, long d, int masks, int tiled) {
        long c() {
            return heads * d;
        }

        PlanKey key(PlanKey.Op op, int which) {
            return new PlanKey(op, which, batch, heads, queries, t, s, d, masks, tiled);
        }

        Layout queryRows() {
            return Layout.strided(new long[] {batch, heads, queries, d}, t * c(), d, c(), 1);
        }

        Layout keyRows() {
            return Layout.strided(new long[] {batch, heads, s, d}, s * c(), d, c(), 1);
        }

        Layout keyColumns() {
            return Layout.strided(new long[] {batch, heads, d, s}, s * c(), d, 1, c());
        }

        Layout scores() {
            return Layout.dense(batch, heads, queries, s);
        }

        Layout scoresTransposed() {
            long tile = queries * s;
            return Layout.strided(new long[] {batch, heads, s, queries}, heads * tile, tile, 1, s);
        }
    }

    /** Addresses of what goes in and comes out. */
    record Operands(long q, long k, long v, long dy, long dq, long dk, long dv) {
        private Operands from(long sample, long queryBytes, long keyBytes) {
            return new Operands(
                    q + sample * queryBytes,
                    k + sample * keyBytes,
                    v + sample * keyBytes,
                    dy + sample * queryBytes,
                    dq + sample * queryBytes,
                    dk + sample * keyBytes,
                    dv + sample * keyBytes);
        }
    }

    /** Gradients of the attention of q [N,T,C] over k, v [N,S,C]. */
    void run(AttentionSpec spec, Shape q, Shape k, Operands operands) {
        long n = q.size(0);
        long t = q.size(1);
        long s = k.size(1);
        long d = q.size(2) / spec.heads();
        int masks = spec.mask() == AttentionSpec.Mask.CAUSAL ? 1 : 0;
        long rowBytes = CpuStorage.bytesOf(spec.heads() * s);
        long queryBytes = CpuStorage.bytesOf(t * q.size(2));
        long keyBytes = CpuStorage.bytesOf(s * q.size(2));
        if (t * rowBytes <= TILE_BYTES) {
            long samples = Math.min(n, TILE_BYTES / (t * rowBytes));
            for (long first = 0; first < n; first += samples) {
                long count = Math.min(samples, n - first);
                tiles(
                        new Sizes(count, spec.heads(), t, t, s, d, masks, 0),
                        operands.from(first, queryBytes, keyBytes));
            }
            return;
        }
        long tile = Math.max(QUERY_STEP, TILE_BYTES / rowBytes / QUERY_STEP * QUERY_STEP);
        for (long sample = 0; sample < n; sample++) {
            tiles(
                    new Sizes(1, spec.heads(), Math.min(tile, t), t, s, d, masks, 1),
                    operands.from(sample, queryBytes, keyBytes));
        }
    }

    private void tiles(Sizes sizes, Operands at) {
        long scoreBytes = CpuStorage.bytesOf(sizes.batch * sizes.heads * sizes.queries * sizes.s);
        long maskBytes = CpuStorage.bytesOf(sizes.masks * sizes.t * sizes.s);
        MemoryPool.Block buffers = engine.pool().take(2 * scoreBytes + maskBytes, "scores");
        long weights = buffers.address();
        long mask = weights + 2 * scoreBytes;
        try {
            if (sizes.masks > 0) {
                TiledAttention.writeCausalMask(engine, sizes.t, sizes.s, mask);
            }
            if (sizes.tiled > 0) {
                clear(at.dk, sizes.s * sizes.c());
                clear(at.dv, sizes.s * sizes.c());
            }
            for (long from = 0; from < sizes.t; from += sizes.queries) {
                Sizes tile = last(sizes, Math.min(sizes.queries, sizes.t - from));
                tile(tile, from, at, weights, weights + scoreBytes, mask);
            }
        } finally {
            engine.pool().give(buffers);
        }
    }

    private static Sizes last(Sizes sizes, long queries) {
        return new Sizes(
                sizes.batch,
                sizes.heads,
                queries,
                sizes.t,
                sizes.s,
                sizes.d,
                sizes.masks,
                sizes.tiled);
    }

    private static void clear(long at, long count) {
        Pointer.memset(new NativeAddress().at(at), 0, CpuStorage.bytesOf(count));
    }

    private void tile(
            Sizes sizes, long from, Operands at, long weights, long gradients, long masks) {
        long offset = from * CpuStorage.bytesOf(sizes.c());
        long q = at.q + offset;
        long dy = at.dy + offset;
        if (sizes.masks > 0) {
            long mask = masks + from * CpuStorage.bytesOf(sizes.s);
            product(sizes, Product.SCORES).run(at.k, q, weights, mask);
        } else {
            product(sizes, Product.SCORES).run(at.k, q, weights);
        }
        softmax(sizes).run(weights, weights);
        product(sizes, Product.TO_VALUES).run(dy, weights, at.dv);
        product(sizes, Product.TO_WEIGHTS).run(at.v, dy, gradients);
        softmaxGradient(sizes).run(weights, gradients, gradients);
        product(sizes, Product.TO_QUERIES).run(at.k, gradients, at.dq + offset);
        product(sizes, Product.TO_KEYS).run(q, gradients, at.dk);
    }

    /** A held plan; it takes the right factor, the left one, the result and, for scores, the mask. */
    private Plan product(Sizes sizes, Product product) {
        PlanKey key = sizes.key(PlanKey.Op.ATTENTION_PRODUCT, product.ordinal());
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work((double) sizes.batch * sizes.heads * sizes.queries * sizes.s * sizes.d);
            Layout right = builder.argument(DNNL_ARG_WEIGHTS, right(sizes, product));
            Layout left = builder.argument(DNNL_ARG_SRC, left(sizes, product));
            Layout result = builder.argument(DNNL_ARG_DST, result(sizes, product));
            if (product != Product.TO_VALUES && product != Product.TO_WEIGHTS) {
                builder.thenEltwise(dnnl_eltwise_linear, (float) (1 / Math.sqrt(sizes.d)), 0);
            }
            if (product == Product.SCORES && sizes.masks > 0) {
                builder.thenBinary(dnnl_binary_add, Layout.dense(1, 1, sizes.queries, sizes.s));
            }
            boolean shared = product == Product.TO_VALUES || product == Product.TO_KEYS;
            if (shared && sizes.tiled > 0) {
                builder.thenSum();
            }
            return engine.plans().add(key, TiledAttention.matmul(builder, left, right, result));
        }
    }

    private static Layout left(Sizes sizes, Product product) {
        return switch (product) {
            case SCORES, TO_WEIGHTS -> sizes.queryRows();
            case TO_VALUES, TO_KEYS -> sizes.scoresTransposed();
            case TO_QUERIES -> sizes.scores();
        };
    }

    private static Layout right(Sizes sizes, Product product) {
        return switch (product) {
            case SCORES, TO_WEIGHTS -> sizes.keyColumns();
            case TO_VALUES, TO_KEYS -> sizes.queryRows();
            case TO_QUERIES -> sizes.keyRows();
        };
    }

    private static Layout result(Sizes sizes, Product product) {
        return switch (product) {
            case SCORES, TO_WEIGHTS -> sizes.scores();
            case TO_VALUES, TO_KEYS -> sizes.keyRows();
            case TO_QUERIES -> sizes.queryRows();
        };
    }

    private Plan softmax(Sizes sizes) {
        return TiledAttention.softmaxPlan(engine, sizes.batch, sizes.heads, sizes.queries, sizes.s);
    }

    /** {@code ds = w * (dw - sum(dw * w))}; takes w, dw and ds, which may be dw. */
    private Plan softmaxGradient(Sizes sizes) {
        PlanKey key =
                new PlanKey(
                        PlanKey.Op.SOFTMAX_GRADIENT,
                        sizes.batch,
                        sizes.heads,
                        sizes.queries,
                        sizes.s);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(
                    Elementwise.WORK_PER_VALUE
                            * sizes.batch
                            * sizes.heads
                            * sizes.queries
                            * sizes.s);
            Layout weights = builder.argument(DNNL_ARG_DST, sizes.scores());
            builder.argument(DNNL_ARG_DIFF_DST, sizes.scores());
            builder.argument(DNNL_ARG_DIFF_SRC, sizes.scores());
            return engine.plans()
                    .add(
                            key,
                            builder.build(
                                    new BackwardFactory(
                                            (result, cpu) -> forward(result, cpu, weights),
                                            (result, cpu, forward, attributes) ->
                                                    dnnl_softmax_backward_primitive_desc_create(
                                                            result,
                                                            cpu,
                                                            dnnl_softmax_accurate,
                                                            weights.handle(),
                                                            weights.handle(),
                                                            weights.handle(),
                                                            3,
                                                            forward,
                                                            attributes))));
        }
    }

    private static int forward(dnnl_primitive_desc result, dnnl_engine cpu, Layout weights) {
        return dnnl_softmax_forward_primitive_desc_create(
                result,
                cpu,
                dnnl_forward_training,
                dnnl_softmax_accurate,
                weights.handle(),
                weights.handle(),
                3,
                null);
    }
}
