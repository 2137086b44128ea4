package dev.instaflow.train.evaluate;

import dev.instaflow.backend.Backend;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.image.Pixels;
import dev.instaflow.model.ModelCard;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.pipeline.OpenModel;
import dev.instaflow.sampler.BatchNoise;
import dev.instaflow.sampler.Denoiser;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.Sampler;
import dev.instaflow.sampler.Samplers;
import dev.instaflow.sampler.SamplingRequest;
import dev.instaflow.sampler.StepListener;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.vae.AutoencoderKl;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Draws many captions with the same seeds, several captions at once where the pictures are small. The
 * picture of a caption and a seed is the one that {@code instaflow generate CAPTION --seed SEED} makes.
 * Thread-safe as its networks are.
 *
 * @param backend computes
 * @param card what the networks were made for
 * @param conditioning the networks
 * @param decoder from latents to pictures, loaded to the wide range of the backend
 */
public record Painter(
        Backend backend, ModelCard card, Conditioning conditioning, AutoencoderKl decoder) {
    /** Latent cells of a batch: what one network call of a small model can make good use of. */
    private static final int MOST_CELLS = 1 << 13;

    /** Few enough that all lanes have something to do. */
    private static final int DECODED_TOGETHER = 8;

    /** Latents up to this many cells are drawn side by side, each on a thread of its own. */
    private static final int SMALL_CELLS = 1 << 10;

    /**
     * The networks of a model.
     *
     * @param backend that the model was loaded to
     * @param model stays open as long as the painter is used
     * @return draws at the size of the model's card
     */
    public static Painter of(Backend backend, OpenModel model) {
        return new Painter(backend, model.card(), Conditioning.of(model), model.decoder());
    }

    /**
     * Draws.
     *
     * @param captions what to draw
     * @param seeds each caption is drawn with seeds 0 to {@code seeds - 1}
     * @param manner how
     * @return a list of pictures for each caption, in the order of the seeds
     */
    public List<List<Pixels>> draw(List<String> captions, int seeds, Manner manner) {
        float[][] latents = new float[Math.multiplyExact(captions.size(), seeds)][];
        sample(
                captions,
                seeds,
                manner,
                (ops, noise, first, n, network) -> {
                    Tensor end = network.run(StepListener.NONE);
                    spread(ops.toArray(end), n, (k, own) -> latents[first + k] = own);
                });
        List<Pixels> flat = decode(List.of(latents));
        List<List<Pixels>> drawn = new ArrayList<>();
        for (int i = 0; i < captions.size(); i++) {
            drawn.add(flat.subList(i * seeds, (i + 1) * seeds));
        }
        return drawn;
    }

    /**
     * The latents of one seed at all times.
     *
     * @param states from noise to latent, at least two, each [h,w,C]
     */
    public record Way(float[][] states) {
        /**
         * Where it leads.
         *
         * @return the last state
         */
        public float[] end() {
            return states[states.length - 1];
        }
    }

    /**
     * Walks, without decoding.
     *
     * @param captions what to draw
     * @param seeds each caption is drawn with seeds 0 to {@code seeds - 1}
     * @param manner how
     * @return for each caption and seed, captions first, the states from noise to latent
     */
    public List<Way> walk(List<String> captions, int seeds, Manner manner) {
        Way[] ways = new Way[Math.multiplyExact(captions.size(), seeds)];
        sample(
                captions,
                seeds,
                manner,
                (ops, noise, first, n, network) -> {
                    List<float[]> states = new ArrayList<>();
                    states.add(ops.toArray(noise));
                    network.run(step -> states.add(ops.toArray(step.latents())));
                    float[][][] own = new float[n][states.size()][];
                    for (int i = 0; i < states.size(); i++) {
                        int time = i;
                        spread(states.get(i), n, (k, state) -> own[k][time] = state);
                    }
                    for (int k = 0; k < n; k++) {
                        ways[first + k] = new Way(own[k]);
                    }
                });
        return List.of(ways);
    }

    /** Takes one sample out of a batch. */
    private interface Taker {
        void take(int index, float[] own);
    }

    private static void spread(float[] together, int count, Taker taker) {
        int size = together.length / count;
        for (int k = 0; k < count; k++) {
            taker.take(k, Arrays.copyOfRange(together, k * size, (k + 1) * size));
        }
    }

    /**
     * Decodes.
     *
     * @param latents each [h,w,C], as the last state of a {@link Way}
     * @return a picture each
     */
    public List<Pixels> decode(List<float[]> latents) {
        Pixels[] decoded = new Pixels[latents.size()];
        int most = Math.min(DECODED_TOGETHER, batch());
        run(
                backend.wideRange(),
                (latents.size() + most - 1) / most,
                (i, scope) -> {
                    int from = i * most;
                    int n = Math.min(most, latents.size() - from);
                    List<Pixels> pixels = decodeBatch(scope.ops(), latents.subList(from, from + n));
                    for (int k = 0; k < n; k++) {
                        decoded[from + k] = pixels.get(k);
                    }
                });
        return List.of(decoded);
    }

    private List<Pixels> decodeBatch(Ops ops, List<float[]> latents) {
        int n = latents.size();
        int size = latents.get(0).length;
        float[] together = new float[n * size];
        for (int k = 0; k < n; k++) {
            System.arraycopy(latents.get(k), 0, together, k * size, size);
        }
        Tensor latent = ops.tensor("latents", latentShape(n), together);
        Tensor raw = card.latentScale().toRaw(ops, latent);
        Tensor image = decoder.decode(ops, raw, BlockMonitor.NONE); // [N,H,W,C]
        int height = image.shape().intSize(1);
        int width = image.shape().intSize(2);
        ColorFormat color = card.image().color();
        List<Pixels> pixels = new ArrayList<>();
        spread(
                ops.toArray(image),
                n,
                (k, own) -> pixels.add(Pixels.fromDecoder(color, width, height, own)));
        return pixels;
    }

    private void run(Backend place, int count, Backend.Part part) {
        if (latentCells() <= SMALL_CELLS) {
            place.runParts("draw", count, part);
            return;
        }
        for (int i = 0; i < count; i++) {
            try (Scope scope = place.openScope("draw")) {
                part.run(i, scope);
            }
        }
    }

    /** The sampler with all but a listener bound to it. */
    private interface Bound {
        Tensor run(StepListener listener);
    }

    /** What is done with a batch of one caption: samples {@code first .. first + n - 1} of all. */
    private interface Batch {
        void draw(Ops ops, Tensor noise, int first, int n, Bound network);
    }

    private void sample(List<String> captions, int seeds, Manner manner, Batch batch) {
        Sampler sampler = Samplers.create(card.traits(), manner.sampler());
        run(
                backend,
                captions.size(),
                (i, outer) -> {
                    for (int from = 0; from < seeds; from += batch()) {
                        int n = Math.min(batch(), seeds - from);
                        try (Scope scope = outer.ops().openScope()) {
                            Ops ops = scope.ops();
                            BatchNoise streams = BatchNoise.of(NoiseSource.TORCH_CPU, from, n);
                            Tensor noise = streams.next(ops, latentShape(n));
                            Guidance guidance = manner.guidance();
                            Denoiser network =
                                    guidance.over(
                                            conditioning.bind(ops, captions.get(i), n, guidance));
                            SamplingRequest request = SamplingRequest.fromNoise(noise, streams);
                            batch.draw(
                                    ops,
                                    noise,
                                    i * seeds + from,
                                    n,
                                    listener ->
                                            sampler.sample(
                                                            ops,
                                                            network,
                                                            request.withListener(listener))
                                                    .latents());
                        }
                    }
                });
    }

    private int latentCells() {
        int factor = decoder.config().factor();
        return card.image().height() / factor * (card.image().width() / factor);
    }

    private int batch() {
        return Math.max(1, MOST_CELLS / latentCells());
    }

    private Shape latentShape(int n) {
        int factor = decoder.config().factor();
        return Shape.of(
                n,
                card.image().height() / factor,
                card.image().width() / factor,
                decoder.config().embedDim());
    }
}
