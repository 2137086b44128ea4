package dev.instaflow.clip;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.nn.Layer;
import dev.instaflow.nn.LayerNorm;
import dev.instaflow.nn.OwnedWeights;
import dev.instaflow.nn.Sequential;
import dev.instaflow.nn.WeightSource;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The text encoder. Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
 * Supervision"; keys as in transformers' {@code CLIPTextModel}. Causal, and blind to padding: the pad
 * tokens are read like words, as when the diffusion models were trained.
 *
 * <p>Thread-safe: any number of threads may use one encoder, each with its own {@link Ops}.
 */
public final class ClipTextModel implements AutoCloseable {
    /** What all its keys begin with, below the prefix of the part. */
    private static final String ROOT = "text_model";

    private static final String EMBEDDINGS = "text.embeddings";

    private final ClipTextConfig config;
    private final Tensor tokens;
    private final Tensor positions;
    private final Map<String, Layer> layers = new LinkedHashMap<>();
    private final OwnedWeights owned;
    private final List<String> blockNames;
    private final Ops.Program encoder =
            (ops, inputs) -> encode(ops, inputs.get(0), BlockMonitor.NONE);

    private ClipTextModel(ClipTextConfig config, Weights part, OwnedWeights owned) {
        this.config = config;
        this.owned = owned;
        Weights weights = part.under(ROOT);
        Weights embeddings = weights.under("embeddings");
        int width = config.width();
        tokens =
                embeddings.take(
                        "token_embedding.weight", WeightForm.PLAIN, config.vocabulary(), width);
        positions =
                embeddings.take(
                        "position_embedding.weight", WeightForm.PLAIN, config.maxLength(), width);
        for (int i = 0; i < config.layers(); i++) {
            String name = "encoder.layers." + i;
            layers.put("text." + name, EncoderLayer.load(weights.under(name), config));
        }
        String last = "final_layer_norm";
        LayerNorm norm = LayerNorm.load(weights.under(last), width, config.eps());
        layers.put("text." + last, norm::forward);
        blockNames = Stream.concat(Stream.of(EMBEDDINGS), layers.keySet().stream()).toList();
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
    public static ClipTextModel load(Backend backend, Checkpoint checkpoint, ClipTextConfig config)
            throws IOException {
        return new WeightSource(backend, checkpoint, ModelPart.TEXT)
                .load(key -> false, (weights, owned) -> new ClipTextModel(config, weights, owned));
    }

    /**
     * Checks a file without loading anything.
     *
     * @param checkpoint has CompVis names
     * @param config what the file should hold
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if {@link #load} would refuse it
     */
    public static void requireFit(Checkpoint checkpoint, ClipTextConfig config)
            throws CheckpointFormatException {
        WeightSource.requireFit(
                checkpoint,
                ModelPart.TEXT,
                key -> false,
                (weights, owned) -> new ClipTextModel(config, weights, owned));
    }

    /**
     * The weights of a text encoder.
     *
     * @param config its sizes
     * @return shapes by key, without the prefix of {@link ModelPart#TEXT}, in file order; without the
     *     buffer {@code position_ids}, which holds no weights
     */
    public static Map<String, Shape> parameters(ClipTextConfig config) {
        return Weights.parameters((weights, owned) -> new ClipTextModel(config, weights, owned));
    }

    /**
     * The sizes.
     *
     * @return what it was loaded with
     */
    public ClipTextConfig config() {
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
     * What a monitor is told in one evaluation.
     *
     * @return names in order
     */
    public List<String> blockNames() {
        return blockNames;
    }

    /**
     * Encodes texts of one length.
     *
     * @param outer what to compute with
     * @param ids token ids [N][T], T from 1 to {@link ClipTextConfig#maxLength}
     * @param monitor told after each block
     * @return [N,T,C] states after the last normalisation, owned by the scope of {@code outer}
     */
    public Tensor forward(Ops outer, int[][] ids, BlockMonitor monitor) {
        int length = checkedLength(ids);
        int[] flat = new int[Math.multiplyExact(ids.length, length)];
        for (int n = 0; n < ids.length; n++) {
            System.arraycopy(ids[n], 0, flat, n * length, length);
        }
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor words = ops.gatherRows(tokens, flat, Shape.of(ids.length, length)); // [N,T,C]
            Tensor x = ops.addToEach(words, ops.sliceBatch(positions, 0, length));
            monitor.after(EMBEDDINGS, ops, x);
            List<String> rest = blockNames.subList(1, blockNames.size());
            return scope.escape(
                    ops.replays() && !monitor.watchesAll()
                            ? monitor.replay(ops, encoder, List.of(x), rest)
                            : encode(ops, x, monitor));
        }
    }

    /** All after the embeddings. */
    private Tensor encode(Ops ops, Tensor x, BlockMonitor monitor) {
        List<Layer> watched = new ArrayList<>();
        layers.forEach((name, layer) -> watched.add(monitor.watch(name, layer)));
        return Sequential.run(ops, x, watched);
    }

    private int checkedLength(int[][] ids) {
        if (ids.length == 0) {
            throw new IllegalArgumentException("text encoder: no texts");
        }
        int length = ids[0].length;
        for (int[] text : ids) {
            if (text.length != length || length < 1 || length > config.maxLength()) {
                throw new IllegalArgumentException(
                        "text encoder: a text has %d tokens; expected %d for all, from 1 to %d"
                                .formatted(text.length, length, config.maxLength()));
            }
        }
        return length;
    }

    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        owned.close();
    }
}
