package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.tensor.Shape;

/**
 * Group and layer normalisation. oneDNN's own group norm takes 8 to 20 times as long as reading and
 * writing the values where groups are a few channels wide, so statistics are {@link ChannelSums}, and
 * oneDNN does the rest in a single pass: scale, shift, activation.
 */
final class Normalisation {
    private final CpuEngine engine;
    private final Elementwise elementwise;

    Normalisation(CpuEngine engine, Elementwise elementwise) {
        this.engine = engine;
        this.elementwise = elementwise;
    }

    /** Group norm of {@code x} [N,..,C] into {@code to}. */
    void group(GroupNormSpec spec, Shape x, long from, long gamma, long beta, long to) {
        int c = x.intSize(-1);
        long positions = x.count() / x.size(0) / c;
        long vectorBytes = CpuStorage.bytesOf(c);
        long vectorsBytes = x.size(0) * vectorBytes;
        MemoryPool.Block vectors = engine.pool().take(2 * vectorsBytes, "group norm vectors");
        try {
            long scale = vectors.address();
            long shift = scale + vectorsBytes;
            scaleAndShift(spec, x, from, gamma, beta, scale, shift);
            for (long n = 0; n < x.size(0); n++) {
                long sample = n * positions * vectorBytes;
                long vector = n * vectorBytes;
                elementwise.scaleShift(
                        spec.then(),
                        positions,
                        c,
                        from + sample,
                        scale + vector,
                        shift + vector,
                        to + sample);
            }
        } finally {
            engine.pool().give(vectors);
        }
    }

    /** What a group norm of {@code x} [N,..,C] comes to: factors [N,C] and summands [N,C]. */
    void scaleAndShift(
            GroupNormSpec spec, Shape x, long from, long gamma, long beta, long scale, long shift) {
        int c = x.intSize(-1);
        long positions = x.count() / x.size(0) / c;
        Staging staging = engine.takeStaging();
        try {
            for (long n = 0; n < x.size(0); n++) {
                long sample = from + CpuStorage.bytesOf(n * positions * c);
                double[] sums = staging.channelSums().of(sample, positions, c);
                long vector = CpuStorage.bytesOf(n * c);
                writeScaleAndShift(
                        spec, positions, c, sums, gamma, beta, scale + vector, shift + vector);
            }
        } finally {
            engine.give(staging);
        }
    }

    /** Turns means and squared distances of channels into C factors and C summands. */
    private void writeScaleAndShift(
            GroupNormSpec spec,
            long positions,
            int c,
            double[] sums,
            long gamma,
            long beta,
            long scaleAddress,
            long shiftAddress) {
        Staging staging = engine.takeStaging();
        try {
            float[] scale = staging.array(0, c);
            float[] shift = staging.array(1, c);
            staging.cursor.read(gamma, scale, c);
            staging.cursor.read(beta, shift, c);
            ChannelSums.toGroups(spec, positions, c, sums);
            for (int i = 0; i < c; i++) {
                scale[i] = (float) (scale[i] * sums[c + i]);
                shift[i] = (float) (shift[i] - sums[i] * scale[i]);
            }
            staging.cursor.write(scaleAddress, scale, c);
            staging.cursor.write(shiftAddress, shift, c);
        } finally {
            engine.give(staging);
        }
    }

    /** Layer norm of rows of C values. */
    void layer(long rows, long c, float eps, long from, long gamma, long beta, long to) {
        PlanKey key =
                engine.plans()
                        .key(PlanKey.Op.LAYER_NORM)
                        .with(rows)
                        .with(c)
                        .with(Float.floatToRawIntBits(eps));
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            try (PlanBuilder builder = new PlanBuilder(engine, key)) {
                builder.work(Elementwise.WORK_PER_VALUE * rows * c);
                Layout values = builder.argument(DNNL_ARG_SRC, Layout.dense(rows, c));
                builder.argument(DNNL_ARG_SCALE, Layout.dense(c));
                builder.argument(DNNL_ARG_SHIFT, Layout.dense(c));
                builder.argument(DNNL_ARG_DST, Layout.dense(rows, c));
                Plan fresh =
                        builder.build(
                                (result, cpu, attributes) ->
                                        dnnl_layer_normalization_forward_primitive_desc_create(
                                                result,
                                                cpu,
                                                dnnl_forward_inference,
                                                values.handle(),
                                                values.handle(),
                                                null,
                                                eps,
                                                dnnl_use_scale | dnnl_use_shift,
                                                attributes));
                plan = engine.plans().add(key, fresh);
            }
        }
        plan.call().with(from).with(gamma).with(beta).with(to).run();
    }
}
