package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.sampler.ConditionalDenoiser;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.unet.PreparedContext;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.function.Function;

/**
 * The networks of a model on a backend of the caller's, for those who ask them otherwise than {@link
 * TextToImage} does: to measure what happens between the steps, or to ask many captions at once. All of
 * them stay loaded. Thread-safe: any number of threads may use them, each with its own operations.
 */
public final class OpenModel implements AutoCloseable {
    private final LoadedModel model;

    private OpenModel(LoadedModel model) {
        this.model = model;
    }

    /**
     * Loads a model.
     *
     * @param source where it lies
     * @param backend receives the weights; must stay open longer than the model
     * @param weights plain or averaged
     * @return to be closed by the caller
     * @throws IOException if a file is missing, damaged or not such a model
     */
    public static OpenModel load(ModelSource source, Backend backend, WeightSet weights)
            throws IOException {
        return new OpenModel(source.load(backend, weights, MemoryMode.RESIDENT));
    }

    /**
     * What the model was made for.
     *
     * @return its card
     */
    public ModelCard card() {
        return model.card();
    }

    /**
     * The sizes of its networks.
     *
     * @return its configuration
     */
    public ModelConfig config() {
        return model.config();
    }

    /**
     * Checksum of the model's file, or of the weight files of its folder; the first call reads them.
     *
     * @return SHA-256 in lower-case hexadecimal
     */
    public String weightsSha256() {
        return model.sha256().get();
    }

    /**
     * What cuts captions.
     *
     * @return its tokenizer
     */
    public ClipTokenizer tokenizer() {
        return model.text().tokenizer();
    }

    /**
     * The denoising network for images of one caption, whose text is encoded here, once.
     *
     * @param ops what is computed with; the network serves as long as its scope is open
     * @param ids [1][T] token ids of the caption; with guidance [2][T], those of the negative caption first
     * @param images N, how many images it is asked about at once
     * @return a network for N samples or, with guidance, 2N
     */
    public ConditionalDenoiser network(Ops ops, int[][] ids, int images) {
        Tensor texts = resident(model.networks().text()).forward(ops, ids, BlockMonitor.NONE);
        UNet unet = resident(model.networks().unet());
        PreparedContext context = unet.prepare(ops, Repeated.texts(ops, texts, images));
        return (inner, latents, labels, contexts) ->
                unet.forward(inner, latents, labels, context, BlockMonitor.NONE);
    }

    /**
     * The decoding half of the autoencoder.
     *
     * @return owned by this model
     */
    public AutoencoderKl decoder() {
        return resident(model.networks().decoder());
    }

    /** It may be used beyond the call, since resident networks are freed by {@link #close} alone. */
    private static <N> N resident(Network<N> network) {
        return network.use(Function.identity());
    }

    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        model.close();
    }
}
