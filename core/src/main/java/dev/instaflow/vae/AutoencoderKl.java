package dev.instaflow.vae;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.nn.Linear;
import dev.instaflow.nn.OwnedWeights;
import dev.instaflow.nn.WeightSource;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The autoencoder. Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models";
 * blocks and keys as in CompVis/stable-diffusion {@code AutoencoderKL} at 21f890f. The latents are raw:
 * divide by the model's scale factor before {@link #decode}, multiply after {@link #encode}.
 *
 * <p>Thread-safe: any number of threads may use one autoencoder, each with its own {@link Ops}.
 */
public final class AutoencoderKl implements AutoCloseable {
    /** How much of an autoencoder to load. */
    public enum Parts {
        /** Encoder and decoder. */
        BOTH,
        /** Only what images are made with: 60 % of the memory. */
        DECODER,
        /** Only what an init image needs. */
        ENCODER;

        private boolean encodes() {
            return this != DECODER;
        }

        private boolean decodes() {
            return this != ENCODER;
        }

        /** Whether a key, without the prefix of the autoencoder, belongs to what is not wanted. */
        private boolean leavesOut(String key) {
            boolean encoder = key.startsWith("encoder.") || key.startsWith("quant_conv.");
            return encoder ? !encodes() : !decodes();
        }
    }

    private final VaeConfig config;
    private final VaeChain encoder = new VaeChain();
    private final VaeChain decoder = new VaeChain();
    private final OwnedWeights owned;

    private AutoencoderKl(VaeConfig config, Parts parts, Weights weights, OwnedWeights owned) {
        this.config = config;
        this.owned = owned;
        // In file order: encoder, decoder, and then the projections at their meeting point.
        if (parts.encodes()) {
            Encoder.addTo(encoder, weights.under("encoder"), config);
        }
        VaeChain afterProjection = new VaeChain();
        if (parts.decodes()) {
            Decoder.addTo(afterProjection, weights.under("decoder"), config);
        }
        long z = config.zChannels();
        long latent = config.embedDim();
        if (parts.encodes()) {
            Linear quant = Linear.loadPointwise(weights.under("quant_conv"), 2 * z, 2 * latent);
            encoder.add("vae.quant_conv", quant::forward);
        }
        if (parts.decodes()) {
            Linear postQuant = Linear.loadPointwise(weights.under("post_quant_conv"), latent, z);
            decoder.add("vae.post_quant_conv", postQuant::forward);
            decoder.addAll(afterProjection);
        }
    }

    /**
     * Loads the weights.
     *
     * @param backend receives the weights
     * @param checkpoint has CompVis names
     * @param config what the file holds
     * @param parts what to load; the file may lack the rest
     * @return to be closed by the caller
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if the file holds another model; the
     *     message lists the keys
     * @throws IOException if the file cannot be read
     */
    public static AutoencoderKl load(
            Backend backend, Checkpoint checkpoint, VaeConfig config, Parts parts)
            throws IOException {
        return new WeightSource(backend, checkpoint, ModelPart.VAE)
                .load(
                        parts::leavesOut,
                        (weights, owned) -> new AutoencoderKl(config, parts, weights, owned));
    }

    /**
     * Checks a file without loading anything.
     *
     * @param checkpoint has CompVis names
     * @param config what the file should hold: encoder and decoder
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if {@link #load} would refuse it
     */
    public static void requireFit(Checkpoint checkpoint, VaeConfig config)
            throws CheckpointFormatException {
        WeightSource.requireFit(
                checkpoint,
                ModelPart.VAE,
                Parts.BOTH::leavesOut,
                (weights, owned) -> new AutoencoderKl(config, Parts.BOTH, weights, owned));
    }

    /**
     * The weights of an autoencoder.
     *
     * @param config its sizes
     * @return shapes by key, without the prefix of {@link ModelPart#VAE}, in file order
     */
    public static Map<String, Shape> parameters(VaeConfig config) {
        return Weights.parameters(
                (weights, owned) -> new AutoencoderKl(config, Parts.BOTH, weights, owned));
    }

    /**
     * The sizes.
     *
     * @return what it was loaded with
     */
    public VaeConfig config() {
        return config;
    }

    /**
     * The weights by key.
     *
     * @return owned by this model
     */
    public OwnedWeights weights() {
        return owned;
    }

    /**
     * What a monitor is told when an image is encoded.
     *
     * @return names in order; empty if the encoder was not loaded
     */
    public List<String> encoderBlockNames() {
        return encoder.names();
    }

    /**
     * What a monitor is told when a latent is decoded.
     *
     * @return names in order; empty if the decoder was not loaded
     */
    public List<String> decoderBlockNames() {
        return decoder.names();
    }

    /**
     * Encodes images.
     *
     * @param outer what to compute with
     * @param image [N,H,W,C] in -1..1, H and W multiples of {@link VaeConfig#factor}
     * @param monitor told after each block
     * @return the distribution over raw latents
     * @throws IllegalStateException if only the decoder was loaded
     */
    public Posterior encode(Ops outer, Tensor image, BlockMonitor monitor) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return Posterior.of(ops, moments(ops, image, monitor));
        }
    }

    /**
     * What {@link #encode} makes a distribution of, as a tensor: training goes back through it.
     *
     * @param ops what to compute with
     * @param image [N,H,W,C] in -1..1, H and W multiples of {@link VaeConfig#factor}
     * @param monitor told after each block
     * @return [N,h,w,2C], means and then logarithms of variances, not clamped; owned by the scope of {@code ops}
     * @throws IllegalStateException if only the decoder was loaded
     */
    public Tensor moments(Ops ops, Tensor image, BlockMonitor monitor) {
        requireLoaded(encoder, Parts.ENCODER);
        Shape shape = image.shape();
        checkChannels("image", image, config.inChannels());
        if (shape.size(1) % config.factor() != 0 || shape.size(2) % config.factor() != 0) {
            throw new IllegalArgumentException(
                    "VAE: rows and columns of the image %s must be multiples of %d"
                            .formatted(image, config.factor()));
        }
        return encoder.run(ops, image, monitor);
    }

    /**
     * Decodes latents.
     *
     * @param ops what to compute with
     * @param rawLatent [N,h,w,C], divided by the model's scale factor
     * @param monitor told after each block
     * @return [N,H,W,C], about -1..1, not clamped; owned by the scope of {@code ops}
     * @throws IllegalStateException if only the encoder was loaded
     */
    public Tensor decode(Ops ops, Tensor rawLatent, BlockMonitor monitor) {
        requireLoaded(decoder, Parts.DECODER);
        checkChannels("latent", rawLatent, config.embedDim());
        return decoder.run(ops, rawLatent, monitor);
    }

    private static void requireLoaded(VaeChain chain, Parts wanted) {
        if (chain.names().isEmpty()) {
            throw new IllegalStateException(
                    "VAE: its %s was not loaded; load %s or %s"
                            .formatted(wanted.name().toLowerCase(Locale.ROOT), wanted, Parts.BOTH));
        }
    }

    private static void checkChannels(String role, Tensor x, int channels) {
        if (x.shape().rank() != 4 || x.shape().size(3) != channels) {
            throw new IllegalArgumentException(
                    "VAE: the %s must be [N,H,W,%d], is %s".formatted(role, channels, x));
        }
    }

    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        owned.close();
    }
}
