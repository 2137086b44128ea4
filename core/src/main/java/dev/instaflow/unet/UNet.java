package dev.instaflow.unet;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.nn.Attention;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.nn.OwnedWeights;
import dev.instaflow.nn.WeightSource;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The network that predicts noise or velocity from a noisy latent, a time label and text states.
 * Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models"; blocks and keys
 * as in CompVis/stable-diffusion {@code UNetModel} at 21f890f. Differs from it: a latent may have any
 * size, since an upsampling ends at its skip's size (as diffusers does).
 *
 * <p>Thread-safe: any number of threads may evaluate one UNet, each with its own {@link Ops}.
 */
public final class UNet implements AutoCloseable {
    private static final String OUT = "unet.out";

    private final UNetConfig config;
    private final UNetLayers layers;
    private final OwnedWeights weights;
    private final List<String> blockNames;
    private final List<Attention> crossAttentions;
    private final Ops.Program step = this::step;

    private UNet(UNetConfig config, UNetLayers layers, OwnedWeights weights) {
        this.config = config;
        this.layers = layers;
        this.weights = weights;
        List<UNetBlock> blocks =
                Stream.of(layers.input(), List.of(layers.middle()), layers.output())
                        .flatMap(List::stream)
                        .toList();
        this.blockNames =
                Stream.concat(blocks.stream().map(UNetBlock::name), Stream.of(OUT)).toList();
        this.crossAttentions = blocks.stream().flatMap(UNetBlock::crossAttentions).toList();
    }

    /**
     * Loads the weights.
     *
     * @param backend receives the weights
     * @param checkpoint has CompVis names
     * @param config what the file holds
     * @return to be closed by the caller
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if the file holds another model; the
     *     message lists the keys
     * @throws IOException if the file cannot be read
     */
    public static UNet load(Backend backend, Checkpoint checkpoint, UNetConfig config)
            throws IOException {
        return new WeightSource(backend, checkpoint, ModelPart.UNET)
                .load(key -> false, (weights, owned) -> build(config, weights, owned));
    }

    /**
     * Checks a file without loading anything.
     *
     * @param checkpoint has CompVis names
     * @param config what the file should hold
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if {@link #load} would refuse it
     */
    public static void requireFit(Checkpoint checkpoint, UNetConfig config)
            throws CheckpointFormatException {
        WeightSource.requireFit(
                checkpoint,
                ModelPart.UNET,
                key -> false,
                (weights, owned) -> build(config, weights, owned));
    }

    /**
     * The weights of a UNet.
     *
     * @param config its sizes
     * @return shapes by key, without the prefix of {@link ModelPart#UNET}, in file order
     */
    public static Map<String, Shape> parameters(UNetConfig config) {
        return Weights.parameters((weights, owned) -> build(config, weights, owned));
    }

    private static UNet build(UNetConfig config, Weights weights, OwnedWeights owned) {
        return new UNet(config, UNetLayers.load(weights, config), owned);
    }

    /**
     * The sizes.
     *
     * @return what it was loaded with
     */
    public UNetConfig config() {
        return config;
    }

    /**
     * The weights by key.
     *
     * @return owned by this model
     */
    public OwnedWeights weights() {
        return weights;
    }

    /**
     * What a monitor is told in one evaluation.
     *
     * @return names in order
     */
    public List<String> blockNames() {
        return blockNames;
    }

    /**
     * Projects the text states for all cross-attentions.
     *
     * @param ops what to compute with
     * @param context [N,T,D] text states
     * @return for any number of evaluations, as long as the scope of {@code ops} is open
     */
    public PreparedContext prepare(Ops ops, Tensor context) {
        Shape shape = context.shape();
        if (shape.rank() != 3 || shape.size(2) != config.contextDim()) {
            throw new IllegalArgumentException(
                    "UNet: the context must be [N,T,%d], is %s"
                            .formatted(config.contextDim(), context));
        }
        Map<Attention, Attention.KeyValue> byLayer = new IdentityHashMap<>();
        crossAttentions.forEach(layer -> byLayer.put(layer, layer.keyValue(ops, context)));
        return new PreparedContext(shape.size(0), byLayer);
    }

    /**
     * Evaluates the network on one text.
     *
     * @param outer what to compute with
     * @param x [N,h,w,Cin] noisy latents
     * @param labels [N] time labels as the network was trained to see them, may be fractional
     * @param context [N,T,D] text states
     * @param monitor told after each block
     * @return [N,h,w,Cout], owned by the scope of {@code outer}
     */
    public Tensor forward(
            Ops outer, Tensor x, float[] labels, Tensor context, BlockMonitor monitor) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(forward(ops, x, labels, prepare(ops, context), monitor));
        }
    }

    /**
     * Evaluates the network on a prepared text.
     *
     * @param outer what to compute with
     * @param x [N,h,w,Cin] noisy latents
     * @param labels [N] time labels as the network was trained to see them, may be fractional
     * @param context from {@link #prepare}, of N texts
     * @param monitor told after each block
     * @return [N,h,w,Cout], owned by the scope of {@code outer}
     */
    public Tensor forward(
            Ops outer, Tensor x, float[] labels, PreparedContext context, BlockMonitor monitor) {
        check(x, labels, context);
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor sinusoids = layers.time().sinusoids(ops, labels);
            Tensor y =
                    ops.replays() && !monitor.watchesAll()
                            ? monitor.replay(ops, step, inputs(x, sinusoids, context), blockNames)
                            : evaluate(ops, x, sinusoids, context, monitor);
            return scope.escape(y);
        }
    }

    private List<Tensor> inputs(Tensor x, Tensor sinusoids, PreparedContext context) {
        return Stream.concat(Stream.of(x, sinusoids), context.tensors(crossAttentions).stream())
                .toList();
    }

    /** One evaluation as a program of {@link #inputs}. */
    private Tensor step(Ops ops, List<Tensor> inputs) {
        Tensor x = inputs.get(0);
        List<Tensor> keyValues = inputs.subList(2, inputs.size());
        PreparedContext context = PreparedContext.of(x.shape().size(0), crossAttentions, keyValues);
        return evaluate(ops, x, inputs.get(1), context, BlockMonitor.NONE);
    }

    private Tensor evaluate(
            Ops outer, Tensor x, Tensor sinusoids, PreparedContext context, BlockMonitor monitor) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor time = ops.activation(Activation.SILU, layers.time().forward(ops, sinusoids));
            Tensor h = descend(ops, 0, x, new Step(time, context), monitor);
            Tensor y = layers.out().forward(ops, h); // [N,h,w,Cout]
            monitor.after(OUT, ops, y);
            return scope.escape(y);
        }
    }

    /**
     * Input block {@code i}, everything below it, and the output block that takes its result as skip.
     * A skip so lives exactly as long as it is needed.
     *
     * @param x [N,H,W,Ci]
     * @return the result of the output block, of the rows and columns of {@code x} where that upsamples
     */
    private Tensor descend(Ops outer, int i, Tensor x, Step step, BlockMonitor monitor) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            UNetBlock down = layers.input().get(i);
            Tensor skip = down.forward(ops, x, step);
            monitor.after(down.name(), ops, skip);
            Tensor below =
                    i + 1 < layers.input().size()
                            ? descend(ops, i + 1, skip, step, monitor)
                            : middle(ops, skip, step, monitor);
            UNetBlock up = layers.output().get(layers.output().size() - 1 - i);
            Tensor y = up.forward(ops, below, skip, x, step);
            monitor.after(up.name(), ops, y);
            return scope.escape(y);
        }
    }

    private Tensor middle(Ops ops, Tensor x, Step step, BlockMonitor monitor) {
        Tensor y = layers.middle().forward(ops, x, step);
        monitor.after(layers.middle().name(), ops, y);
        return y;
    }

    private void check(Tensor x, float[] labels, PreparedContext context) {
        Shape shape = x.shape();
        if (shape.rank() != 4 || shape.size(3) != config.inChannels()) {
            throw new IllegalArgumentException(
                    "UNet: the latent must be [N,h,w,%d], is %s".formatted(config.inChannels(), x));
        }
        if (labels.length != shape.size(0) || context.batch() != shape.size(0)) {
            throw new IllegalArgumentException(
                    "UNet: %d latents with %d time labels and %d texts"
                            .formatted(shape.size(0), labels.length, context.batch()));
        }
    }

    /** The layers, for tests of single ones. */
    UNetLayers layers() {
        return layers;
    }

    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        weights.close();
    }
}
