package dev.instaflow.train.recipe;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.train.objective.EncoderFeatures;
import dev.instaflow.train.objective.Loss;
import dev.instaflow.train.objective.Lpips;
import dev.instaflow.train.objective.PictureDistance;
import dev.instaflow.train.objective.PictureLoss;
import dev.instaflow.train.objective.PixelDistance;
import dev.instaflow.train.objective.WeightedLosses;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The loss that settings ask for, with the network of LPIPS if it is one of its terms. */
final class LossChoice implements AutoCloseable {
    private static final Map<String, PictureDistance> PIXELS =
            Map.of(
                    "absolute", PixelDistance.ABSOLUTE,
                    "squared", PixelDistance.SQUARED,
                    "edges", PixelDistance.EDGES);

    private static final List<String> WEIGHTS =
            List.of("latent", "absolute", "squared", "edges", "encoder", "lpips");

    private final Loss loss;
    private final Optional<Lpips> lpips;

    private LossChoice(Loss loss, Optional<Lpips> lpips) {
        this.loss = loss;
        this.lpips = lpips;
    }

    /** What can be told without a model. */
    static void check(Section settings) {
        double sum = 0;
        for (String key : WEIGHTS) {
            sum += settings.amount(key);
        }
        if (sum == 0) {
            throw settings.bad("latent", "is 0 as are all other weights; nothing would be learnt");
        }
        if (settings.amount("lpips") > 0) {
            lpipsFeatures(settings);
        }
    }

    /**
     * Makes it.
     *
     * @param settings of the key losses
     * @param backend computes
     * @param vae encoder and decoder, frozen, on that backend
     * @param scale between its latents and the network's
     */
    static LossChoice of(
            Section settings, TrainingBackend backend, AutoencoderKl vae, LatentScale scale)
            throws IOException {
        List<PictureLoss.Term> pictures = new ArrayList<>();
        for (String key : List.of("absolute", "squared", "edges")) {
            addIf(pictures, PIXELS.get(key), settings.amount(key));
        }
        if (settings.amount("encoder") > 0) {
            addIf(pictures, EncoderFeatures.of(backend, vae), settings.amount("encoder"));
        }
        Optional<Lpips> lpips = Optional.empty();
        if (settings.amount("lpips") > 0) {
            lpips = Optional.of(lpips(settings, backend));
            addIf(pictures, lpips.get(), settings.amount("lpips"));
        }
        double latent = settings.amount("latent");
        if (pictures.isEmpty() && latent == 1) {
            return new LossChoice(Loss.SQUARED_ERROR, lpips);
        }
        List<WeightedLosses.Term> terms = new ArrayList<>();
        if (latent > 0) {
            terms.add(new WeightedLosses.Term(Loss.SQUARED_ERROR, latent));
        }
        if (!pictures.isEmpty()) {
            terms.add(new WeightedLosses.Term(new PictureLoss(backend, vae, scale, pictures), 1));
        }
        return new LossChoice(new WeightedLosses(terms), lpips);
    }

    private static void addIf(
            List<PictureLoss.Term> terms, PictureDistance distance, double weight) {
        if (weight > 0) {
            terms.add(new PictureLoss.Term(distance, weight));
        }
    }

    private static Lpips lpips(Section settings, TrainingBackend backend) throws IOException {
        Path features = lpipsFeatures(settings);
        Path channels = settings.file("lpipsChannels").orElse(features);
        try (Checkpoint first = Checkpoint.open(features);
                Checkpoint second = Checkpoint.open(channels)) {
            return Lpips.load(backend, first, second);
        }
    }

    private static Path lpipsFeatures(Section settings) {
        return settings.file("lpipsFeatures")
                .filter(Files::exists)
                .orElseThrow(
                        () ->
                                settings.bad(
                                        "lpipsFeatures",
                                        "names no file that exists; LPIPS has no weights of its own here"));
    }

    Loss loss() {
        return loss;
    }

    @Override
    public void close() {
        lpips.ifPresent(Lpips::close);
    }
}
