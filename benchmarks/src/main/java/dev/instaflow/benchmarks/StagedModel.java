package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.function.Function;

/**
 * One InstaFlow step on any engine, cut into its three networks. Each stage takes and gives heap arrays, so
 * that its time is over when the method returns, whatever an engine puts off.
 */
final class StagedModel implements AutoCloseable {
    /** InstaFlow's label of pure noise. */
    private static final float NOISE_LABEL = 1000;

    private final Backend backend;
    private final ModelConfig config;
    private final ClipTextModel text;
    private final UNet unet;
    private final AutoencoderKl vae;
    private final BlockMonitor monitor;

    private StagedModel(
            Backend backend,
            ModelConfig config,
            ClipTextModel text,
            UNet unet,
            AutoencoderKl vae,
            BlockMonitor monitor) {
        this.backend = backend;
        this.config = config;
        this.text = text;
        this.unet = unet;
        this.vae = vae;
        this.monitor = monitor;
    }

    /**
     * Loads what one step needs: not the encoder of the autoencoder.
     *
     * @param backend outlives the model
     * @param checkpoint has CompVis names, and may be closed afterwards
     * @param config its sizes
     * @return to be closed by the caller
     * @throws IOException if the file cannot be read or holds another model
     */
    static StagedModel load(Backend backend, Checkpoint checkpoint, ModelConfig config)
            throws IOException {
        Deque<AutoCloseable> undo = new ArrayDeque<>();
        boolean loaded = false;
        try {
            ClipTextModel text = ClipTextModel.load(backend, checkpoint, config.text());
            undo.push(text);
            UNet unet = UNet.load(backend, checkpoint, config.unet());
            undo.push(unet);
            AutoencoderKl vae =
                    AutoencoderKl.load(
                            backend.wideRange(),
                            checkpoint,
                            config.vae(),
                            AutoencoderKl.Parts.DECODER);
            loaded = true;
            return new StagedModel(backend, config, text, unet, vae, BlockMonitor.NONE);
        } finally {
            if (!loaded) {
                closeAll(undo);
            }
        }
    }

    private static void closeAll(Deque<AutoCloseable> models) throws IOException {
        for (AutoCloseable model : models) {
            try {
                model.close();
            } catch (Exception e) {
                throw new IOException("closing after a failed load", e);
            }
        }
    }

    /**
     * The same networks, watched block by block, so that no backend runs a network as one program.
     *
     * @return closed together with this
     */
    StagedModel watched() {
        return new StagedModel(backend, config, text, unet, vae, (block, ops, output) -> {});
    }

    /** Rows and columns of a latent, as trained. */
    int latentSide() {
        return config.unet().sampleSize();
    }

    private static float[] run(Backend backend, String stage, Function<Ops, Tensor> work) {
        try (Scope scope = backend.openScope(stage)) {
            Ops ops = scope.ops();
            return ops.toArray(work.apply(ops));
        }
    }

    /** Token ids [N][T] to text states [N,T,C]. */
    float[] text(int[][] ids) {
        return run(backend, "text", ops -> text.forward(ops, ids, monitor));
    }

    /** Noise [N,h,w,C] and text states to the velocity [N,h,w,C] at the beginning of the flow. */
    float[] velocity(StepInputs inputs, float[] context) {
        long n = inputs.shape().size(0);
        int width = config.text().width();
        Shape contextShape = Shape.of(n, context.length / n / width, width);
        float[] labels = new float[(int) n];
        Arrays.fill(labels, NOISE_LABEL);
        return run(
                backend,
                "unet",
                ops ->
                        unet.forward(
                                ops,
                                ops.tensor("noise", inputs.shape(), inputs.noise()),
                                labels,
                                ops.tensor("context", contextShape, context),
                                monitor));
    }

    /** Raw latents [N,h,w,C] to images [N,H,W,3 or 4]. */
    float[] decode(Shape shape, float[] rawLatent) {
        return run(
                backend.wideRange(),
                "vae",
                ops -> vae.decode(ops, ops.tensor("latent", shape, rawLatent), monitor));
    }

    @Override
    public void close() {
        text.close();
        unet.close();
        vae.close();
    }
}
