package dev.instaflow.pipeline;

import dev.instaflow.checkpoint.inspect.MemoryEstimate;
import dev.instaflow.image.Pixels;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.nn.FiniteCheck;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.sampler.BatchNoise;
import dev.instaflow.sampler.ConditionalDenoiser;
import dev.instaflow.sampler.Denoiser;
import dev.instaflow.sampler.KnownRegion;
import dev.instaflow.sampler.NoiseBuffer;
import dev.instaflow.sampler.Sampler;
import dev.instaflow.sampler.Samplers;
import dev.instaflow.sampler.SamplingRequest;
import dev.instaflow.tensor.ChannelOrder;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.PreparedContext;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One request on its way from text to pixels, in batches that fit into memory. Lives on one thread, in one
 * scope.
 */
final class GenerationRun {
    /** Batches beyond these only take memory: the work a sample stays the same. */
    private static final long UNET_BATCH_BYTES = 1L << 30;

    private static final long DECODE_BATCH_BYTES = 1L << 28;

    /** Tiles of 64 latent pixels are what Stable Diffusion was trained on. */
    private static final int TILE = 64;

    private static final int TILE_OVERLAP = 16;

    private final LoadedModel model;
    private final Networks networks;
    private final GenerationPlan plan;
    private final long memoryBytes;
    private final NoiseBuffer noiseBuffer;
    private final ProgressMonitor progress;
    private final BlockMonitor monitor;
    private final long[] nanos = new long[Progress.Stage.values().length];

    GenerationRun(
            LoadedModel model,
            GenerationPlan plan,
            long memoryBytes,
            NoiseBuffer noiseBuffer,
            RunControl control) {
        this.model = model;
        this.networks = model.networks();
        this.plan = plan;
        this.memoryBytes = memoryBytes;
        this.noiseBuffer = noiseBuffer;
        this.progress = new ProgressMonitor(control);
        this.monitor = FiniteCheck.INSTANCE.andThen(progress);
    }

    /** An image before its parameters are known. */
    record Result(Pixels pixels, Latents latents) {}

    List<Result> run(Ops ops) {
        Tensor texts = timed(Progress.Stage.TEXT, () -> encodeTexts(ops));
        Optional<Tensor> init =
                plan.request()
                        .initImage()
                        .map(image -> timed(Progress.Stage.ENCODE, () -> encode(ops, image)));
        int count = plan.request().seeds().count();
        List<Batch> batches = new ArrayList<>();
        int most = unetBatch(count);
        for (int first = 0; first < count; first += most) {
            batches.add(new Batch(first, Math.min(most, count - first), count));
        }
        // All latents before the first image, so that each network is needed for one stretch of
        // time.
        List<Tensor> latents =
                timed(Progress.Stage.DENOISE, () -> denoiseAll(ops, texts, init, batches));
        return timed(Progress.Stage.DECODE, () -> decodeAll(ops, latents, batches));
    }

    private List<Tensor> denoiseAll(
            Ops ops, Tensor texts, Optional<Tensor> init, List<Batch> batches) {
        return networks.unet()
                .use(
                        unet -> {
                            List<Tensor> latents = new ArrayList<>();
                            for (Batch batch : batches) {
                                latents.add(denoise(ops, unet, texts, init, batch));
                            }
                            return latents;
                        });
    }

    private List<Result> decodeAll(Ops ops, List<Tensor> latents, List<Batch> batches) {
        return networks.decoder()
                .use(
                        vae -> {
                            List<Result> results = new ArrayList<>();
                            for (int i = 0; i < batches.size(); i++) {
                                results.addAll(decode(ops, vae, latents.get(i), batches.get(i)));
                            }
                            return results;
                        });
    }

    StageTimes times() {
        return new StageTimes(nanos[0], nanos[1], nanos[2], nanos[3]);
    }

    /** Images {@code first .. first + size - 1} of {@code count}. */
    private record Batch(int first, int size, int count) {
        /** Share of the whole request that is done before image {@code first + i}. */
        double begun(double i) {
            return (first + i) / count;
        }
    }

    private interface Work<T> {
        T run();
    }

    private <T> T timed(Progress.Stage stage, Work<T> work) {
        progress.enter(stage);
        long start = System.nanoTime();
        T result = work.run();
        nanos[stage.ordinal()] += System.nanoTime() - start;
        return result;
    }

    private int unetBatch(int count) {
        long sample = MemoryEstimate.unetBytes(model.shapes(), plan.width(), plan.height());
        long each = sample * (plan.guidance().isOn() ? 2 : 1);
        if (each > memoryBytes) {
            throw new IllegalArgumentException(
                    "%dx%d pixels take about %d MiB in the UNet, %d MiB are left of what the engine"
                                    .formatted(
                                            plan.width(),
                                            plan.height(),
                                            each >> 20,
                                            Math.max(0, memoryBytes) >> 20)
                            + " may use; make a smaller image or raise EngineSettings.memoryBytes");
        }
        long most = Math.min(UNET_BATCH_BYTES, memoryBytes) / each;
        return (int) Math.max(1, Math.min(count, most));
    }

    /** @return [1,T,C], or [2,T,C] with the negative prompt first if guidance is on */
    private Tensor encodeTexts(Ops ops) {
        int[] prompt = model.text().tokenizer().encode(plan.request().prompt()).ids();
        int[][] ids =
                plan.guidance().isOn()
                        ? new int[][] {
                            model.text().tokenizer().encode(plan.request().negativePrompt()).ids(),
                            prompt
                        }
                        : new int[][] {prompt};
        return networks.text()
                .use(
                        encoder -> {
                            progress.expect(0, 1, encoder.blockNames().size());
                            return encoder.forward(ops, ids, monitor);
                        });
    }

    /** @return [1,h,w,C], scaled */
    private Tensor encode(Ops outer, InitImage init) {
        return networks.encoder().use(vae -> encode(outer, vae, init));
    }

    private Tensor encode(Ops outer, AutoencoderKl vae, InitImage init) {
        Pixels pixels = init.pixels().resized(plan.width(), plan.height());
        float[] image = pixels.toEncoder(model.card().image().color());
        int channels = model.card().image().color().channels();
        progress.expect(0, 1, vae.encoderBlockNames().size());
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Shape shape = Shape.of(1, plan.height(), plan.width(), channels);
            Tensor x = ops.tensor("init image", shape, image);
            // The mean, where others draw a sample: the spread is far below what is visible, and
            // the start does not depend on a seed.
            Tensor raw = vae.encode(ops, x, monitor).mode(ops);
            return scope.escape(model.card().latentScale().toLatent(ops, raw));
        }
    }

    private Tensor denoise(Ops outer, UNet unet, Tensor texts, Optional<Tensor> init, Batch batch) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            BatchNoise streams =
                    BatchNoise.of(
                            plan.request().seeds().source(),
                            plan.request().seeds().first() + batch.first(),
                            batch.size(),
                            noiseBuffer);
            Tensor noise = noise(ops, streams, batch);
            Sampler sampler = Samplers.create(model.card().traits(), plan.sampler());
            SamplingRequest request =
                    init.isEmpty()
                            ? SamplingRequest.fromNoise(noise, streams)
                            : fromImage(ops, repeat(ops, init.get(), batch.size()), noise, streams);
            double strength = plan.request().initImage().map(InitImage::strength).orElse(1.0);
            int steps = Math.max(1, sampler.steps(strength));
            double share = (double) batch.size() / batch.count();
            int blocks = unet.blockNames().size();
            progress.expect(batch.begun(0), share / steps, blocks);
            SamplingRequest watched =
                    request.withListener(
                            step ->
                                    progress.expect(
                                            batch.begun(step.done() * batch.size()),
                                            share / steps,
                                            blocks));
            Denoiser denoiser = plan.guidance().over(network(ops, unet, texts, batch.size()));
            return scope.escape(sampler.sample(ops, denoiser, watched).latents());
        }
    }

    private ConditionalDenoiser network(Ops ops, UNet unet, Tensor texts, int n) {
        Tensor context =
                plan.guidance().isOn()
                        ? ops.concatBatch(
                                repeat(ops, ops.sliceBatch(texts, 0, 1), n),
                                repeat(ops, ops.sliceBatch(texts, 1, 2), n))
                        : repeat(ops, texts, n);
        PreparedContext prepared = unet.prepare(ops, context);
        return (inner, latents, labels, contexts) ->
                unet.forward(inner, latents, labels, prepared, monitor);
    }

    /** @return [n,..] from [1,..] */
    private static Tensor repeat(Ops ops, Tensor one, int n) {
        Tensor all = one;
        while (all.shape().size(0) < n) {
            long more = Math.min(all.shape().size(0), n - all.shape().size(0));
            all = ops.concatBatch(all, ops.sliceBatch(all, 0, more));
        }
        return all;
    }

    private Shape latentShape(long n) {
        return Shape.of(
                n, plan.latentHeight(), plan.latentWidth(), model.config().vae().embedDim());
    }

    private Tensor noise(Ops ops, BatchNoise streams, Batch batch) {
        Tensor drawn = streams.next(ops, latentShape(batch.size()));
        Optional<Latents> given = plan.request().seeds().noise();
        if (given.isEmpty()) {
            return drawn;
        }
        Shape shape = latentShape(batch.count());
        Latents all = given.get();
        boolean fits =
                all.height() == shape.size(1)
                        && all.width() == shape.size(2)
                        && all.channels() == shape.size(3);
        if (!fits) {
            throw new IllegalArgumentException(
                    "noise %s does not fit the latents of this request, [%d,%d,%d,%d]"
                            .formatted(
                                    all,
                                    batch.count(),
                                    shape.size(3),
                                    shape.size(1),
                                    shape.size(2)));
        }
        float[] values = ChannelOrder.toChannelsLast(all.shape(), all.values());
        Tensor noise = ops.tensor("given noise", shape, values);
        return ops.sliceBatch(noise, batch.first(), batch.first() + (long) batch.size());
    }

    private SamplingRequest fromImage(Ops ops, Tensor image, Tensor noise, BatchNoise streams) {
        InitImage init = plan.request().initImage().orElseThrow();
        SamplingRequest request = SamplingRequest.fromImage(image, noise, init.strength(), streams);
        if (init.mask().isEmpty()) {
            return request;
        }
        Tensor keep = keepMask(ops, init.mask().get(), image.shape());
        return request.withConstraint(KnownRegion.of(ops, image, noise, keep));
    }

    /** White is painted, black is kept: the other way round from what the sampler calls a mask. */
    private Tensor keepMask(Ops ops, Pixels white, Shape shape) {
        float[] paint = white.resized(plan.latentWidth(), plan.latentHeight()).toMask();
        float[] keep = new float[Math.toIntExact(shape.count())];
        int channels = shape.intSize(3);
        for (int i = 0; i < keep.length; i++) {
            keep[i] = 1 - paint[i / channels % paint.length];
        }
        return ops.tensor("mask", shape, keep);
    }

    private List<Result> decode(Ops ops, AutoencoderKl vae, Tensor latents, Batch batch) {
        long each = MemoryEstimate.vaeBytes(model.shapes(), plan.width(), plan.height());
        boolean whole = each <= memoryBytes;
        int group = (int) Math.max(1, Math.min(batch.size(), DECODE_BATCH_BYTES / each));
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < batch.size(); i += group) {
            int n = Math.min(group, batch.size() - i);
            try (Scope scope = ops.openScope()) {
                Ops inner = scope.ops();
                Tensor part = inner.sliceBatch(latents, i, i + (long) n);
                Tensor raw = model.card().latentScale().toRaw(inner, part);
                Batch decoded = new Batch(batch.first() + i, n, batch.count());
                List<Pixels> images =
                        whole
                                ? wholly(inner, vae, raw, decoded)
                                : List.of(tiled(inner, vae, raw, decoded));
                for (int j = 0; j < n; j++) {
                    results.add(new Result(images.get(j), Latents.read(inner, part, j)));
                }
            }
        }
        return results;
    }

    private List<Pixels> wholly(Ops ops, AutoencoderKl vae, Tensor raw, Batch batch) {
        double share = (double) batch.size() / batch.count();
        progress.expect(batch.begun(0), share, vae.decoderBlockNames().size());
        Tensor images = vae.decode(ops, raw, monitor);
        List<Pixels> pixels = new ArrayList<>(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            long first = (long) i * plan.height();
            Pixels.Rows rows =
                    (y, row) -> ops.read(images, (first + y) * row.length, row, row.length);
            pixels.add(
                    Pixels.fromDecoder(
                            model.card().image().color(), plan.width(), plan.height(), rows));
        }
        return pixels;
    }

    /** A batch is a single image here: it is too large already. */
    private Pixels tiled(Ops ops, AutoencoderKl vae, Tensor raw, Batch batch) {
        TiledDecoder decoder = new TiledDecoder(vae, TILE, TILE_OVERLAP);
        int blocks =
                decoder.tiles(plan.latentHeight(), plan.latentWidth())
                        * vae.decoderBlockNames().size();
        progress.expect(batch.begun(0), 1.0 / batch.count(), blocks);
        float[] image = decoder.decode(ops, raw, monitor);
        return Pixels.fromDecoder(model.card().image().color(), plan.width(), plan.height(), image);
    }
}
