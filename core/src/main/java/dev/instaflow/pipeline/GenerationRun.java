package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
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
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;

/**
 * One request on its way from text to pixels, in batches that fit into memory. Lives on one thread, in one
 * scope.
 */
final class GenerationRun {
    /** Batches beyond these only take memory: the work a sample stays the same. */
    private static final long UNET_BATCH_BYTES = 1L << 30;

    private static final long DECODE_BATCH_BYTES = 1L << 28;

    /**
     * Activations of a network up to which images are better computed side by side, each on one thread, than
     * one after the other on all threads.
     */
    private static final long SMALL_BYTES = 1L << 23;

    /** Tiles of 64 latent pixels are what Stable Diffusion was trained on. */
    private static final int TILE = 64;

    private static final int TILE_OVERLAP = 16;

    private final LoadedModel model;
    private final Networks networks;
    private final GenerationPlan plan;
    private final long memoryBytes;
    private final Workplace place;
    private final ProgressMonitor progress;
    private final long[] nanos = new long[Progress.Stage.values().length];

    GenerationRun(
            LoadedModel model,
            GenerationPlan plan,
            long memoryBytes,
            Workplace place,
            RunControl control) {
        this.model = model;
        this.networks = model.networks();
        this.plan = plan;
        this.memoryBytes = memoryBytes;
        this.place = place;
        this.progress = new ProgressMonitor(control);
    }

    /** An image before its parameters are known. */
    record Result(Pixels pixels, Latents latents) {}

    /**
     * Where images are made.
     *
     * @param backend computes
     * @param noiseBuffers not in use; one for each batch that runs at once
     */
    record Workplace(Backend backend, Queue<NoiseBuffer> noiseBuffers) {}

    List<Result> run() {
        try (Scope scope = place.backend().openScope("generate")) {
            return run(scope.ops());
        }
    }

    private List<Result> run(Ops ops) {
        Tensor texts = timed(Progress.Stage.TEXT, () -> encodeTexts(ops));
        Optional<Tensor> init =
                plan.request()
                        .initImage()
                        .map(image -> timed(Progress.Stage.ENCODE, () -> encode(ops, image)));
        int count = plan.request().seeds().count();
        List<Batch> batches = batches(count, unetBatch(count));
        // All latents before the first image, so that each network is needed for one stretch of
        // time.
        Tensor[] latents = new Tensor[batches.size()];
        try {
            timed(Progress.Stage.DENOISE, () -> denoiseAll(texts, init, batches, latents));
            return timed(Progress.Stage.DECODE, () -> decodeAll(batches, latents));
        } finally {
            for (Tensor each : latents) {
                if (each != null) {
                    each.close();
                }
            }
        }
    }

    /** Fills {@code latents}, also where it fails; they are the caller's. */
    private Tensor[] denoiseAll(
            Tensor texts, Optional<Tensor> init, List<Batch> batches, Tensor[] latents) {
        return networks.unet()
                .use(
                        unet -> {
                            Backend.Part part =
                                    (i, scope) ->
                                            latents[i] =
                                                    denoise(
                                                            scope,
                                                            unet,
                                                            texts,
                                                            init,
                                                            batches.get(i));
                            runBatches(place.backend(), "denoise", batches, part);
                            return latents;
                        });
    }

    private List<Result> decodeAll(List<Batch> batches, Tensor[] latents) {
        List<Result> results = new ArrayList<>();
        List<List<Result>> each = new ArrayList<>(Collections.nCopies(batches.size(), List.of()));
        networks.decoder()
                .use(
                        vae -> {
                            Backend.Part part =
                                    (i, scope) ->
                                            each.set(
                                                    i,
                                                    decode(
                                                            scope.ops(),
                                                            vae,
                                                            latents[i],
                                                            batches.get(i)));
                            runBatches(place.backend().wideRange(), "decode", batches, part);
                            return each;
                        });
        each.forEach(results::addAll);
        return results;
    }

    private void runBatches(Backend backend, String name, List<Batch> batches, Backend.Part part) {
        if (lanes() > 1) {
            backend.runParts(name, batches.size(), part);
            return;
        }
        for (int i = 0; i < batches.size(); i++) {
            try (Scope scope = backend.openScope(name)) {
                part.run(i, scope);
            }
        }
    }

    /** How many batches of small images are computed at once. */
    private int lanes() {
        int lanes = Math.min(place.backend().lanes(), plan.request().seeds().count());
        boolean fits = lanes * vaeBytes() <= memoryBytes;
        return fits && Math.max(unetBytes(), vaeBytes()) <= SMALL_BYTES ? lanes : 1;
    }

    private long unetBytes() {
        long sample = MemoryEstimate.unetBytes(model.shapes(), plan.width(), plan.height());
        return sample * (plan.guidance().isOn() ? 2 : 1);
    }

    private long vaeBytes() {
        return MemoryEstimate.vaeBytes(model.shapes(), plan.width(), plan.height());
    }

    /** At least as many as lanes, of which that many have {@code most} images or fewer together. */
    private List<Batch> batches(int count, int most) {
        int lanes = lanes();
        int size = Math.max(1, Math.min(most / lanes, (count + lanes - 1) / lanes));
        List<Batch> batches = new ArrayList<>();
        for (int first = 0; first < count; first += size) {
            batches.add(new Batch(first, Math.min(size, count - first), count));
        }
        return batches;
    }

    StageTimes times() {
        return new StageTimes(nanos[0], nanos[1], nanos[2], nanos[3]);
    }

    /** Images {@code first .. first + size - 1} of {@code count}. */
    private record Batch(int first, int size, int count) {
        /** Of a stage of the whole request. */
        double share() {
            return (double) size / count;
        }
    }

    private interface Work<T> {
        T run();
    }

    private <T> T timed(Progress.Stage stage, Work<T> work) {
        progress.enter(stage);
        long start = System.nanoTime();
        T result = work.run();
        progress.leave();
        nanos[stage.ordinal()] += System.nanoTime() - start;
        return result;
    }

    private int unetBatch(int count) {
        long each = unetBytes();
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
                            ProgressMonitor.Part part = progress.new Part();
                            part.expect(0, 1, encoder.blockNames().size());
                            return encoder.forward(ops, ids, watching(part));
                        });
    }

    /** @return [1,h,w,C], scaled */
    private Tensor encode(Ops outer, InitImage init) {
        try (Tensor latent = networks.encoder().use(vae -> encode(vae, init))) {
            return outer.view(latent, latent.shape()); // owned by this scope
        }
    }

    /** @return the caller's */
    private Tensor encode(AutoencoderKl vae, InitImage init) {
        Pixels pixels = init.pixels().resized(plan.width(), plan.height());
        float[] image = pixels.toEncoder(model.card().image().color());
        int channels = model.card().image().color().channels();
        ProgressMonitor.Part part = progress.new Part();
        part.expect(0, 1, vae.encoderBlockNames().size());
        try (Scope scope = place.backend().wideRange().openScope("encode")) {
            Ops ops = scope.ops();
            Shape shape = Shape.of(1, plan.height(), plan.width(), channels);
            Tensor x = ops.tensor("init image", shape, image);
            // The mean, where others draw a sample: the spread is far below what is visible, and
            // the start does not depend on a seed.
            Tensor raw = vae.encode(ops, x, watching(part)).mode(ops);
            return scope.escape(model.card().latentScale().toLatent(ops, raw));
        }
    }

    private static BlockMonitor watching(ProgressMonitor.Part part) {
        return FiniteCheck.INSTANCE.andThen(part);
    }

    /** @return latents that have escaped from a root scope */
    private Tensor denoise(
            Scope scope, UNet unet, Tensor texts, Optional<Tensor> init, Batch batch) {
        NoiseBuffer buffer =
                Objects.requireNonNullElseGet(place.noiseBuffers().poll(), NoiseBuffer::new);
        try {
            Ops ops = scope.ops();
            BatchNoise streams =
                    BatchNoise.of(
                            plan.request().seeds().source(),
                            plan.request().seeds().first() + batch.first(),
                            batch.size(),
                            buffer);
            Tensor noise = noise(ops, streams, batch);
            Sampler sampler = Samplers.create(model.card().traits(), plan.sampler());
            SamplingRequest request =
                    init.isEmpty()
                            ? SamplingRequest.fromNoise(noise, streams)
                            : fromImage(
                                    ops,
                                    Repeated.images(ops, init.get(), batch.size()),
                                    noise,
                                    streams);
            double strength = plan.request().initImage().map(InitImage::strength).orElse(1.0);
            int steps = Math.max(1, sampler.steps(strength));
            double share = batch.share();
            int blocks = unet.blockNames().size();
            ProgressMonitor.Part part = progress.new Part();
            part.expect(0, share / steps, blocks);
            SamplingRequest watched =
                    request.withListener(
                            step -> part.expect(step.done() * share, share / steps, blocks));
            Tensor context = Repeated.texts(ops, texts, batch.size());
            Denoiser denoiser = plan.guidance().over(network(ops, unet, context, watching(part)));
            return scope.escape(sampler.sample(ops, denoiser, watched).latents());
        } finally {
            place.noiseBuffers().add(buffer);
        }
    }

    private static ConditionalDenoiser network(
            Ops ops, UNet unet, Tensor context, BlockMonitor monitor) {
        PreparedContext prepared = unet.prepare(ops, context);
        return (inner, latents, labels, contexts) ->
                unet.forward(inner, latents, labels, prepared, monitor);
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
        long each = vaeBytes();
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
        ProgressMonitor.Part part = progress.new Part();
        part.expect(0, batch.share(), vae.decoderBlockNames().size());
        Tensor images = vae.decode(ops, raw, watching(part));
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
        ProgressMonitor.Part part = progress.new Part();
        part.expect(0, batch.share(), blocks);
        float[] image = decoder.decode(ops, raw, watching(part));
        return Pixels.fromDecoder(model.card().image().color(), plan.width(), plan.height(), image);
    }
}
