package dev.instaflow.train.lora;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.lora.LoraFormat;
import dev.instaflow.checkpoint.lora.LoraModule;
import dev.instaflow.checkpoint.lora.LoraTargets;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.Parameters;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import java.io.IOException;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The adapters of a run. {@code down} starts as torch's {@code kaiming_uniform_(a=sqrt(5))} leaves it and
 * {@code up} at zero, so the model starts as it was. Gradients are exact, as of any other layer. The
 * parameters have kohya's names, so that a checkpoint of the run is a LoRA file.
 */
public final class Adapters implements AutoCloseable {
    private final TrainingBackend backend;
    private final LoraTargets targets;
    private final AdapterSettings settings;
    private final Parameters parameters;
    private final Map<Tensor, Adapter> byWeight = new IdentityHashMap<>();
    private final Map<String, Names> names = new LinkedHashMap<>();
    private final List<Tensor> owned = new ArrayList<>();

    /** Keys of one adapter's parameters. */
    private record Names(String module, String down, String up) {}

    private Adapters(TrainingBackend backend, LoraTargets targets, AdapterSettings settings) {
        this.backend = backend;
        this.targets = targets;
        this.settings = settings;
        this.parameters = new Parameters(backend);
    }

    /**
     * Makes adapters for a model's weights.
     *
     * @param backend has the weights
     * @param targets what could have adapters
     * @param settings which of them get one
     * @param weights the tensors that the networks compute with, by CompVis name
     * @return to be closed by the caller
     * @throws IllegalArgumentException if no weight is meant
     */
    public static Adapters of(
            TrainingBackend backend,
            LoraTargets targets,
            AdapterSettings settings,
            Map<String, Tensor> weights) {
        List<String> chosen = targets.names(settings.targets()::contains);
        if (chosen.isEmpty()) {
            throw new IllegalArgumentException(
                    "no matrix or kernel of the model is in \"%s\": nothing to adapt"
                            .formatted(settings.targets().name()));
        }
        Adapters adapters = new Adapters(backend, targets, settings);
        boolean made = false;
        try {
            for (int i = 0; i < chosen.size(); i++) {
                Tensor weight = weights.get(chosen.get(i));
                RandomStream random = RandomStream.of(settings.seed(), Purpose.INITIAL, i);
                adapters.add(chosen.get(i), weight, random);
            }
            made = true;
            return adapters;
        } catch (IOException e) {
            throw new IllegalStateException(e); // arrays are read, so there is nothing to fail
        } finally {
            if (!made) {
                adapters.close();
            }
        }
    }

    private void add(String target, Tensor weight, RandomStream random) throws IOException {
        Shape file = Shape.of(longs(targets.shapes().get(target)));
        int rank = settings.rank();
        long out = file.size(0);
        long in = file.count() / out;
        boolean kernel = weight.shape().rank() == 4;
        String module = targets.moduleName(target, LoraFormat.KOHYA).orElseThrow();
        Names keys = new Names(module, module + ".lora_down.weight", module + ".lora_up.weight");
        names.put(target, keys);
        Tensor down =
                parameter(
                        keys.down,
                        kernel ? conv(target) : WeightForm.LINEAR,
                        kernel ? file.with(0, rank) : Shape.of(rank, in),
                        file.with(0, rank),
                        uniform(rank * in, 1 / Math.sqrt(in), random));
        Tensor up =
                parameter(
                        keys.up,
                        WeightForm.LINEAR,
                        Shape.of(out, rank),
                        file.rank() == 4 ? Shape.of(out, rank, 1, 1) : Shape.of(out, rank),
                        new float[Math.toIntExact(out * rank)]);
        byWeight.put(
                weight,
                new Adapter(
                        down,
                        up,
                        zeros(target, rank),
                        zeros(target, out),
                        (float) (settings.alpha() / rank)));
    }

    private static long[] longs(List<Long> sizes) {
        return sizes.stream().mapToLong(Long::longValue).toArray();
    }

    /** The one kernel of the UNet that changes the size. */
    private static WeightForm conv(String target) {
        boolean down = target.endsWith(".op.weight");
        return new WeightForm.Conv(down ? ConvSpec.DOWN_SYMMETRIC : ConvSpec.SAME_3X3, 1, 1);
    }

    private Tensor parameter(String name, WeightForm form, Shape shape, Shape file, float... values)
            throws IOException {
        Tensor tensor = backend.upload(name, form, shape, FloatSource.of(values));
        owned.add(tensor);
        parameters.add(name, file, tensor, values);
        return tensor;
    }

    private Tensor zeros(String target, long size) throws IOException {
        FloatSource values = FloatSource.of(new float[Math.toIntExact(size)]);
        Tensor zeros =
                backend.upload("zeros beside " + target, WeightForm.PLAIN, Shape.of(size), values);
        owned.add(zeros);
        return zeros;
    }

    private static float[] uniform(long count, double bound, RandomStream random) {
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) ((2 * random.uniform() - 1) * bound);
        }
        return values;
    }

    /**
     * Operations in which the weights have their adapters.
     *
     * @param ops a tape, or others of the same backend
     * @return what networks compute with
     */
    public Ops over(Ops ops) {
        return new AdaptedOps(ops, byWeight);
    }

    /**
     * What is trained.
     *
     * @return two for each adapted weight, in file order
     */
    public Parameters parameters() {
        return parameters;
    }

    /**
     * What a LoRA file has besides the parameters.
     *
     * @return the scales of kohya's form
     */
    public List<Entry> alphas() {
        List<Entry> alphas = new ArrayList<>();
        for (Names keys : names.values()) {
            alphas.add(
                    HeapEntry.ofFloats(
                            keys.module + ".alpha", List.of(), (float) settings.alpha()));
        }
        return alphas;
    }

    /**
     * The adapters as they could be written to a file or added to a checkpoint.
     *
     * @param values of each parameter: {@link Parameter#values}, or its average
     * @return copies, in file order
     */
    public List<LoraModule> modules(Function<Parameter, float[]> values) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (Parameter parameter : parameters.list()) {
            String name = parameter.name();
            entries.put(
                    name,
                    HeapEntry.ofFloats(name, parameter.shape().sizes(), values.apply(parameter)));
        }
        List<LoraModule> modules = new ArrayList<>();
        names.forEach(
                (target, keys) ->
                        modules.add(
                                new LoraModule(
                                        target,
                                        entries.get(keys.down),
                                        entries.get(keys.up),
                                        settings.alpha())));
        return modules;
    }

    /**
     * The model's weights that could have adapters.
     *
     * @return what {@link dev.instaflow.checkpoint.lora.LoraWriter} needs to know of it
     */
    public LoraTargets targets() {
        return targets;
    }

    /** Frees the adapters; a second call does nothing. */
    @Override
    public void close() {
        owned.forEach(Tensor::close);
    }
}
