package dev.instaflow.train.run;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.lora.LoraTargets;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.nn.OwnedWeights;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.Parameters;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.lora.AdapterSettings;
import dev.instaflow.train.lora.Adapters;
import dev.instaflow.unet.UNet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** A UNet and its text encoder under training; the rest of the checkpoint is carried along. */
public final class TrainingModel implements AutoCloseable {
    private final TrainingBackend backend;
    private final UNet unet;
    private final ClipTextModel text;
    private final Parameters parameters;
    private final List<Entry> frozen;
    private final Optional<Adapters> adapters;

    private TrainingModel(
            TrainingBackend backend,
            UNet unet,
            ClipTextModel text,
            Parameters parameters,
            List<Entry> frozen,
            Optional<Adapters> adapters) {
        this.backend = backend;
        this.unet = unet;
        this.text = text;
        this.parameters = parameters;
        this.frozen = frozen;
        this.adapters = adapters;
    }

    /**
     * Loads both networks.
     *
     * @param backend computes
     * @param compVis has CompVis names; must stay open as long as the model, which copies the rest of it
     *     into its checkpoints
     * @param config the sizes
     * @param trained which weights change
     * @return to be closed by the caller
     * @throws IOException if the file cannot be read or holds another model
     */
    public static TrainingModel load(
            TrainingBackend backend, Checkpoint compVis, ModelConfig config, TrainableSet trained)
            throws IOException {
        return load(
                backend,
                compVis,
                config,
                (unet, text) -> {
                    Parameters parameters = parameters(backend, unet, text, config, trained);
                    List<Entry> frozen = frozen(compVis, parameters);
                    return new TrainingModel(
                            backend, unet, text, parameters, frozen, Optional.empty());
                });
    }

    /**
     * Loads both networks and puts adapters beside their weights, which all stay as they are.
     *
     * @param backend computes
     * @param compVis has CompVis names; must stay open as long as the model
     * @param config the sizes
     * @param lora which weights get adapters
     * @return to be closed by the caller; its checkpoints are LoRA files
     * @throws IOException if the file cannot be read or holds another model
     */
    public static TrainingModel withAdapters(
            TrainingBackend backend, Checkpoint compVis, ModelConfig config, AdapterSettings lora)
            throws IOException {
        return load(
                backend,
                compVis,
                config,
                (unet, text) -> {
                    Map<String, Tensor> weights = new LinkedHashMap<>();
                    addNamed(weights, ModelPart.UNET, unet.weights());
                    addNamed(weights, ModelPart.TEXT, text.weights());
                    Adapters adapters =
                            Adapters.of(backend, LoraTargets.of(compVis), lora, weights);
                    Parameters parameters = adapters.parameters();
                    List<Entry> frozen = frozen(compVis, parameters);
                    return new TrainingModel(
                            backend, unet, text, parameters, frozen, Optional.of(adapters));
                });
    }

    @FunctionalInterface
    private interface Builder {
        TrainingModel build(UNet unet, ClipTextModel text);
    }

    private static TrainingModel load(
            TrainingBackend backend, Checkpoint compVis, ModelConfig config, Builder builder)
            throws IOException {
        UNet unet = UNet.load(backend, compVis, config.unet());
        try {
            ClipTextModel text = ClipTextModel.load(backend, compVis, config.text());
            try {
                return builder.build(unet, text);
            } catch (RuntimeException | Error e) {
                text.close();
                throw e;
            }
        } catch (IOException | RuntimeException | Error e) {
            unet.close();
            throw e;
        }
    }

    private static void addNamed(Map<String, Tensor> all, ModelPart part, OwnedWeights weights) {
        weights.tensors().forEach((key, tensor) -> all.put(part.compVisPrefix() + key, tensor));
    }

    private static Parameters parameters(
            TrainingBackend backend,
            UNet unet,
            ClipTextModel text,
            ModelConfig config,
            TrainableSet trained) {
        Parameters parameters = new Parameters(backend);
        parameters.add(
                ModelPart.UNET,
                unet.weights(),
                UNet.parameters(config.unet()),
                key -> trained.contains(ModelPart.UNET.compVisPrefix() + key));
        parameters.add(
                ModelPart.TEXT,
                text.weights(),
                ClipTextModel.parameters(config.text()),
                key -> trained.contains(ModelPart.TEXT.compVisPrefix() + key));
        return parameters;
    }

    private static List<Entry> frozen(Checkpoint compVis, Parameters parameters) {
        Set<String> names =
                parameters.list().stream().map(Parameter::name).collect(Collectors.toSet());
        List<Entry> rest = new ArrayList<>();
        for (Entry entry : compVis.entries()) {
            if (!names.contains(entry.name()) && !entry.name().startsWith("model_ema.")) {
                rest.add(entry);
            }
        }
        return rest;
    }

    /**
     * Asks both networks.
     *
     * @param outer what to compute with
     * @param state [N,h,w,C] noisy latents
     * @param labels [N]
     * @param ids [N][T] token ids
     * @return [N,h,w,C]
     */
    public Tensor predict(Ops outer, Tensor state, float[] labels, int[][] ids) {
        Ops ops = adapters.isPresent() ? adapters.get().over(outer) : outer;
        Tensor context = text.forward(ops, ids, BlockMonitor.NONE); // [N,T,D]
        return unet.forward(ops, state, labels, context, BlockMonitor.NONE);
    }

    /**
     * Where it is.
     *
     * @return the backend it was loaded to
     */
    public TrainingBackend backend() {
        return backend;
    }

    /**
     * What is trained.
     *
     * @return UNet's first, in file order
     */
    public Parameters parameters() {
        return parameters;
    }

    /**
     * What is beside the weights.
     *
     * @return empty if weights themselves are trained
     */
    public Optional<Adapters> adapters() {
        return adapters;
    }

    /** What does not change, as it was loaded. */
    List<Entry> frozen() {
        return frozen;
    }

    /** What a checkpoint has besides the parameters: a LoRA does not carry its model along. */
    List<Entry> companions() {
        return adapters.map(Adapters::alphas).orElse(frozen);
    }

    @Override
    public void close() {
        adapters.ifPresent(Adapters::close);
        text.close();
        unet.close();
    }
}
