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
 * @param decoder from latents to pictures
 */
public record Painter(
        Backend backend, ModelCard card, Conditioning conditioning, AutoencoderKl decoder) {
    /** Latent cells of a batch: what one network call of a small model can make good use of. */
    private static final int MOST_CELLS = 1 << 13;

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
        List<List<Pixels>> drawn =
                new ArrayList<>(captions.stream().map(c -> List.<Pixels>of()).toList());
        run(
                captions.size(),
                (i, scope) -> drawn.set(i, draw(scope.ops(), captions.get(i), seeds, manner)));
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
        run(
                captions.size(),
                (i, scope) -> {
                    for (int from = 0; from < seeds; from += batch()) {
                        int n = Math.min(batch(), seeds - from);
                        List<float[]> states = new ArrayList<>();
                        String caption = captions.get(i);
                        try (Scope inner = scope.ops().openScope()) {
                            sample(inner.ops(), caption, from, n, manner, states);
                        }
                        for (int k = 0; k < n; k++) {
                            ways[i * seeds + from + k] = way(states, k, n);
                        }
                    }
                });
        return List.of(ways);
    }

    private static Way way(List<float[]> states, int index, int count) {
        float[][] own = new float[states.size()][];
        for (int i = 0; i < own.length; i++) {
            int size = states.get(i).length / count;
            own[i] = Arrays.copyOfRange(states.get(i), index * size, (index + 1) * size);
        }
        return new Way(own);
    }

    /**
     * Decodes.
     *
     * @param latents each [h,w,C], as the last state of a {@link Way}
     * @return a picture each
     */
    public List<Pixels> decode(List<float[]> latents) {
        Pixels[] decoded = new Pixels[latents.size()];
        int batches = (latents.size() + batch() - 1) / batch();
        run(
                batches,
                (i, scope) -> {
                    int from = i * batch();
                    int n = Math.min(batch(), latents.size() - from);
                    int size = latents.get(from).length;
                    float[] together = new float[n * size];
                    for (int k = 0; k < n; k++) {
                        System.arraycopy(latents.get(from + k), 0, together, k * size, size);
                    }
                    Tensor x = scope.ops().tensor("latents", latentShape(n), together);
                    List<Pixels> pixels = decode(scope.ops(), x);
                    for (int k = 0; k < n; k++) {
                        decoded[from + k] = pixels.get(k);
                    }
                });
        return List.of(decoded);
    }

    private void run(int count, Backend.Part part) {
        if (latentCells() <= SMALL_CELLS) {
            backend.runParts("draw", count, part);
            return;
        }
        for (int i = 0; i < count; i++) {
            try (Scope scope = backend.openScope("draw")) {
                part.run(i, scope);
            }
        }
    }

    private List<Pixels> draw(Ops outer, String caption, int seeds, Manner manner) {
        List<Pixels> drawn = new ArrayList<>();
        for (int from = 0; from < seeds; from += batch()) {
            try (Scope scope = outer.openScope()) {
                Ops ops = scope.ops();
                int n = Math.min(batch(), seeds - from);
                Tensor latents = sample(ops, caption, from, n, manner, new ArrayList<>());
                drawn.addAll(decode(ops, latents));
            }
        }
        return drawn;
    }

    /** Collects all states, the noise first, on the heap. */
    private Tensor sample(
            Ops ops, String caption, long seed, int n, Manner manner, List<float[]> states) {
        BatchNoise streams = BatchNoise.of(NoiseSource.TORCH_CPU, seed, n);
        Tensor noise = streams.next(ops, latentShape(n));
        states.add(ops.toArray(noise));
        Sampler sampler = Samplers.create(card.traits(), manner.sampler());
        StepListener listener = step -> states.add(ops.toArray(step.latents()));
        Denoiser denoiser =
                manner.guidance().over(conditioning.bind(ops, caption, n, manner.guidance()));
        return sampler.sample(
                        ops,
                        denoiser,
                        SamplingRequest.fromNoise(noise, streams).withListener(listener))
                .latents();
    }

    private List<Pixels> decode(Ops ops, Tensor latents) {
        Tensor raw = card.latentScale().toRaw(ops, latents);
        Tensor image = decoder.decode(ops, raw, BlockMonitor.NONE); // [N,H,W,C]
        float[] values = ops.toArray(image);
        ColorFormat color = card.image().color();
        int n = image.shape().intSize(0);
        int size = values.length / n;
        List<Pixels> pixels = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            float[] own = Arrays.copyOfRange(values, i * size, (i + 1) * size);
            int height = image.shape().intSize(1);
            pixels.add(Pixels.fromDecoder(color, image.shape().intSize(2), height, own));
        }
        return pixels;
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
