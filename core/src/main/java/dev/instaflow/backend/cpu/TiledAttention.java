package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.tensor.Shape;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Attention in tiles of queries: scores, softmax and weighted sum of all heads for some queries, then for
 * the next ones, so that scores stay in the cache and never stand in memory whole. Heads are strided
 * views of [T,C] rows. With many tiles, keys and values are first brought into the layout that the
 * products want, once for all tiles.
 */
final class TiledAttention {
    /** Bytes of scores in a tile: within the L2 and L3 caches of a few cores. */
    private static final long TILE_BYTES = 16L << 20;

    /** Tiles are a multiple of this many queries, the row block of the matrix kernels. */
    private static final long QUERY_STEP = 16;

    /** However many keys: products of fewer rows run far below the peak. */
    private static final long FEWEST_QUERIES = 64;

    /** From this many tiles on, bringing keys and values into another layout pays. */
    private static final long PACK_FROM_TILES = 4;

    private final CpuEngine engine;

    TiledAttention(CpuEngine engine) {
        this.engine = engine;
    }

    /** One problem: batch samples at once, all heads, some or all queries. */
    private record Sizes(
            long batch, long heads, long queries, long t, long s, long d, int masks, int packed) {
        long c() {
            return heads * d;
        }

        Sizes queries(long count) {
            return new Sizes(batch, heads, count, t, s, d, masks, packed);
        }

        PlanKey addTo(PlanKey key) {
            return key.with(batch)
                    .with(heads)
                    .with(queries)
                    .with(t)
                    .with(s)
                    .with(d)
                    .with(masks)
                    .with(packed);
        }

        double products() {
            return (double) batch * heads * queries * s * d;
        }

        Layout queryRows() {
            return Layout.strided(new long[] {batch, heads, queries, d}, t * c(), d, c(), 1);
        }

        /** As the product that is tuned for many tiles wants them, or as they lie. */
        Layout keys() {
            return packed > 0 ? Layout.any(batch, heads, d, s) : keysTransposed();
        }

        Layout keysTransposed() {
            return Layout.strided(new long[] {batch, heads, d, s}, s * c(), d, 1, c());
        }

        /** As the product that is tuned for many tiles wants them, or as they lie. */
        Layout values() {
            return packed > 0 ? Layout.any(batch, heads, s, d) : plainValues();
        }

        Layout plainValues() {
            return Layout.strided(new long[] {batch, heads, s, d}, s * c(), d, c(), 1);
        }

        Layout scores() {
            return Layout.dense(batch, heads, queries, s);
        }
    }

    /** Attention of q [N,T,C] over k, v [N,S,C] into {@code y}. */
    void run(AttentionSpec spec, Shape q, Shape k, long qAt, long kAt, long vAt, long y) {
        long n = q.size(0);
        long t = q.size(1);
        long s = k.size(1);
        long d = q.size(2) / spec.heads();
        boolean causal = spec.mask() == AttentionSpec.Mask.CAUSAL;
        long rowBytes = CpuStorage.bytesOf(spec.heads() * s);
        if (n * t * rowBytes <= TILE_BYTES) {
            tiles(new Sizes(n, spec.heads(), t, t, s, d, causal ? 1 : 0, 0), qAt, kAt, vAt, y);
            return;
        }
        long fitting = Math.max(FEWEST_QUERIES, TILE_BYTES / rowBytes / QUERY_STEP * QUERY_STEP);
        long tile = Math.min(t, fitting);
        int packed = (t + tile - 1) / tile >= PACK_FROM_TILES ? 1 : 0;
        Sizes sizes = new Sizes(1, spec.heads(), tile, t, s, d, causal ? 1 : 0, packed);
        long queryBytes = CpuStorage.bytesOf(t * sizes.c());
        long keyBytes = CpuStorage.bytesOf(s * sizes.c());
        for (long i = 0; i < n; i++) {
            tiles(
                    sizes,
                    qAt + i * queryBytes,
                    kAt + i * keyBytes,
                    vAt + i * keyBytes,
                    y + i * queryBytes);
        }
    }

    private void tiles(Sizes sizes, long q, long k, long v, long y) {
        Tile whole = new Tile(sizes);
        MemoryPool.Block scores = null;
        MemoryPool.Block mask = null;
        MemoryPool.Block keys = null;
        MemoryPool.Block values = null;
        try {
            scores = take(sizes.batch * sizes.heads * sizes.queries * sizes.s, "scores");
            if (sizes.masks > 0) {
                mask = take(sizes.t * sizes.s, "mask");
                writeCausalMask(engine, sizes.t, sizes.s, mask.address());
            }
            if (sizes.packed > 0) {
                keys = packed(whole.scores, sizes.keysTransposed(), k);
                values = packed(whole.weightedSum, sizes.plainValues(), v);
            }
            long kAt = keys != null ? keys.address() : k;
            long vAt = values != null ? values.address() : v;
            long maskAt = mask != null ? mask.address() : 0;
            long rest = sizes.t % sizes.queries;
            long full = sizes.t - rest;
            for (long from = 0; from < full; from += sizes.queries) {
                whole.run(from, q, kAt, vAt, maskAt, scores.address(), y);
            }
            if (rest > 0) {
                Tile last = new Tile(sizes.queries(rest), whole);
                try {
                    last.run(full, q, kAt, vAt, maskAt, scores.address(), y);
                } finally {
                    last.release();
                }
            }
        } finally {
            give(scores);
            give(mask);
            give(keys);
            give(values);
            whole.release();
        }
    }

    private MemoryPool.Block take(long count, String what) {
        return engine.pool().take(CpuStorage.bytesOf(count), what);
    }

    private void give(MemoryPool.Block block) {
        if (block != null) {
            engine.pool().give(block);
        }
    }

    /** A copy in the layout that a product expects its second operand in. */
    private MemoryPool.Block packed(Plan product, Layout plain, long from) {
        try (plain) {
            Layout wanted = product.layout(WeightedPlans.WEIGHTS);
            return engine.pool()
                    .filled(
                            wanted.bytes(),
                            "packed heads",
                            to -> WeightPacker.reorder(engine, plain, wanted).run(from, to));
        }
    }

    /** [T,S] summands: 0 up to the query's own position, minus infinity after it. */
    static void writeCausalMask(CpuEngine engine, long queries, long keys, long to) {
        int s = Math.toIntExact(keys);
        Staging staging = engine.takeStaging();
        try {
            float[] row = staging.array(0, s);
            Arrays.fill(row, 0, s, Float.NEGATIVE_INFINITY);
            for (int i = 0; i < queries; i++) {
                row[i] = 0;
                staging.cursor.write(to + CpuStorage.bytesOf((long) i * s), row, s);
            }
        } finally {
            engine.give(staging);
        }
    }

    /** The three primitives for a number of queries, held. */
    private final class Tile {
        final Sizes sizes;
        final Plan scores;
        final Plan softmax;
        final Plan weightedSum;

        /** For all but the last tile. */
        Tile(Sizes sizes) {
            this.sizes = sizes;
            scores = scoresPlan(sizes, sizes::keys);
            softmax = softmaxPlan(engine, sizes.batch, sizes.heads, sizes.queries, sizes.s);
            weightedSum = weightedSumPlan(sizes, sizes::values);
        }

        /** For the rest of the queries, with keys and values as the others have them. */
        Tile(Sizes sizes, Tile others) {
            this.sizes = sizes;
            scores = scoresPlan(sizes, others.scores.layout(WeightedPlans.WEIGHTS)::copy);
            softmax = softmaxPlan(engine, sizes.batch, sizes.heads, sizes.queries, sizes.s);
            weightedSum =
                    weightedSumPlan(sizes, others.weightedSum.layout(WeightedPlans.WEIGHTS)::copy);
        }

        void run(long from, long q, long k, long v, long mask, long buffer, long y) {
            long rowBytes = CpuStorage.bytesOf(sizes.c());
            Plan.Call product = scores.call().with(k).with(q + from * rowBytes).with(buffer);
            if (sizes.masks > 0) {
                product.with(mask + from * CpuStorage.bytesOf(sizes.s));
            }
            product.execute();
            softmax.call().with(buffer).with(buffer).execute();
            weightedSum.call().with(v).with(buffer).with(y + from * rowBytes).execute();
        }

        void release() {
            scores.release();
            softmax.release();
            weightedSum.release();
        }
    }

    /** {@code q k^T / sqrt(d)}, plus the mask. */
    private Plan scoresPlan(Sizes sizes, Supplier<Layout> keyLayout) {
        PlanKey key = sizes.addTo(engine.plans().key(PlanKey.Op.SCORES));
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(sizes.products());
            Layout keys = builder.argument(DNNL_ARG_WEIGHTS, keyLayout.get());
            Layout queries = builder.argument(DNNL_ARG_SRC, sizes.queryRows());
            Layout scores = builder.argument(DNNL_ARG_DST, sizes.scores());
            builder.thenEltwise(dnnl_eltwise_linear, (float) (1 / Math.sqrt(sizes.d)), 0);
            if (sizes.masks > 0) {
                builder.thenBinary(dnnl_binary_add, Layout.dense(1, 1, sizes.queries, sizes.s));
            }
            return engine.plans().add(key, matmul(builder, queries, keys, scores));
        }
    }

    private Plan weightedSumPlan(Sizes sizes, Supplier<Layout> valueLayout) {
        PlanKey key = sizes.addTo(engine.plans().key(PlanKey.Op.WEIGHTED_SUM));
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(sizes.products());
            Layout values = builder.argument(DNNL_ARG_WEIGHTS, valueLayout.get());
            Layout scores = builder.argument(DNNL_ARG_SRC, sizes.scores());
            Layout result = builder.argument(DNNL_ARG_DST, sizes.queryRows());
            return engine.plans().add(key, matmul(builder, scores, values, result));
        }
    }

    static Plan matmul(PlanBuilder builder, Layout a, Layout b, Layout y) {
        return builder.build(
                (result, cpu, attributes) ->
                        dnnl_matmul_primitive_desc_create(
                                result, cpu, a.handle(), b.handle(), null, y.handle(), attributes));
    }

    /** Along the keys, in place if the addresses are one. */
    static Plan softmaxPlan(CpuEngine engine, long batch, long heads, long queries, long keys) {
        PlanKey key =
                engine.plans()
                        .key(PlanKey.Op.SOFTMAX)
                        .with(batch)
                        .with(heads)
                        .with(queries)
                        .with(keys);
        Plan plan = engine.plans().get(key);
        if (plan != null) {
            return plan;
        }
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            builder.work(Elementwise.WORK_PER_VALUE * batch * heads * queries * keys);
            Layout scores =
                    builder.argument(DNNL_ARG_SRC, Layout.dense(batch, heads, queries, keys));
            builder.argument(DNNL_ARG_DST, Layout.dense(batch, heads, queries, keys));
            Plan fresh =
                    builder.build(
                            (result, cpu, attributes) ->
                                    dnnl_softmax_forward_primitive_desc_create(
                                            result,
                                            cpu,
                                            dnnl_forward_inference,
                                            dnnl_softmax_accurate,
                                            scores.handle(),
                                            scores.handle(),
                                            3,
                                            attributes));
            return engine.plans().add(key, fresh);
        }
    }
}
