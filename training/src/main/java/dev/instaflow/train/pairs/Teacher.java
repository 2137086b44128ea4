package dev.instaflow.train.pairs;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.sampler.ConditionalDenoiser;
import dev.instaflow.sampler.Denoiser;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.sampler.SamplingTraits;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.PreparedContext;
import dev.instaflow.unet.UNet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/** A finished model that pairs are made with. Thread-safe. */
public final class Teacher implements AutoCloseable {
    private final Backend backend;
    private final UNet unet;
    private final ClipTextModel text;
    private final SamplingTraits traits;
    private final LatentScale scale;
    private final String identity;

    private Teacher(
            Backend backend,
            UNet unet,
            ClipTextModel text,
            SamplingTraits traits,
            LatentScale scale,
            String identity) {
        this.backend = backend;
        this.unet = unet;
        this.text = text;
        this.traits = traits;
        this.scale = scale;
        this.identity = identity;
    }

    /**
     * Loads UNet and text encoder.
     *
     * @param backend computes
     * @param file a checkpoint
     * @param weights which of its weights
     * @param config the sizes
     * @param traits what the model's output means
     * @param scale between its latents and the autoencoder's, recorded in the pairs
     * @return to be closed by the caller
     * @throws IOException if the file cannot be read or holds another model
     */
    public static Teacher load(
            Backend backend,
            Path file,
            WeightSet weights,
            ModelConfig config,
            SamplingTraits traits,
            LatentScale scale)
            throws IOException {
        String identity = FileHash.sha256(file) + ' ' + weights.name().toLowerCase(Locale.ROOT);
        try (CompVisView view = CompVisView.open(file, weights)) {
            UNet unet = UNet.load(backend, view, config.unet());
            try {
                ClipTextModel text = ClipTextModel.load(backend, view, config.text());
                return new Teacher(backend, unet, text, traits, scale, identity);
            } catch (IOException | RuntimeException | Error e) {
                unet.close();
                throw e;
            }
        }
    }

    /** Its file's SHA-256 in hexadecimal and the name of the weights. */
    String identity() {
        return identity;
    }

    Backend backend() {
        return backend;
    }

    SamplingTraits traits() {
        return traits;
    }

    LatentScale scale() {
        return scale;
    }

    /**
     * The network for some captions, whose text is encoded here, once.
     *
     * @param ops owns the encoded text
     * @param captions [N][T] token ids
     * @param negative [T] token ids that guidance leads away from
     */
    Denoiser denoiser(Ops ops, int[][] captions, int[] negative, Guidance guidance) {
        int n = captions.length;
        int[][] ids = captions;
        if (guidance.isOn()) {
            ids = new int[2 * n][];
            for (int i = 0; i < n; i++) {
                ids[i] = negative;
                ids[n + i] = captions[i];
            }
        }
        Tensor states = text.forward(ops, ids, BlockMonitor.NONE); // [N or 2N,T,D]
        PreparedContext context = unet.prepare(ops, states);
        ConditionalDenoiser network =
                (inner, latents, labels, contexts) ->
                        unet.forward(inner, latents, labels, context, BlockMonitor.NONE);
        return guidance.over(network);
    }

    @Override
    public void close() {
        text.close();
        unet.close();
    }
}
