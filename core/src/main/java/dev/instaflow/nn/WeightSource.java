package dev.instaflow.nn;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.KeyReport;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * What a model is loaded from and to.
 *
 * @param backend receives the weights
 * @param checkpoint has CompVis names
 * @param part which of its networks
 */
public record WeightSource(Backend backend, Checkpoint checkpoint, ModelPart part) {
    /**
     * Loads a model. Its code runs twice: first against a recorder, so that the file is checked as a
     * whole before anything is uploaded and the list of parameters cannot drift from the loading, then
     * against the uploaded tensors.
     *
     * @param <M> the model
     * @param unwanted keys, without the part's prefix, that may be in the file though the model has no
     *     use for them
     * @param builder makes the model, which owns the weights from then on
     * @return the model
     * @throws CheckpointFormatException if keys are missing, left over or of another shape; the message
     *     lists them in groups
     * @throws IOException if the file cannot be read
     */
    public <M> M load(Predicate<String> unwanted, Weights.ModelBuilder<M> builder)
            throws IOException {
        List<Parameter> plan = plan(checkpoint, part, unwanted, builder);
        OwnedWeights owned = new OwnedWeights();
        boolean loaded = false;
        try {
            for (Parameter parameter : plan) {
                owned.add(parameter.name(), upload(parameter));
            }
            M model = builder.build(Weights.over(owned), owned);
            loaded = true;
            return model;
        } finally {
            if (!loaded) {
                owned.close();
            }
        }
    }

    /**
     * Checks a file without loading anything.
     *
     * @param checkpoint has CompVis names
     * @param part which of its networks
     * @param unwanted as for {@link #load}
     * @param builder as for {@link #load}; what it builds is dropped
     * @throws CheckpointFormatException if {@link #load} would refuse the file
     */
    public static void requireFit(
            Checkpoint checkpoint,
            ModelPart part,
            Predicate<String> unwanted,
            Weights.ModelBuilder<?> builder)
            throws CheckpointFormatException {
        plan(checkpoint, part, unwanted, builder);
    }

    private static List<Parameter> plan(
            Checkpoint checkpoint,
            ModelPart part,
            Predicate<String> unwanted,
            Weights.ModelBuilder<?> builder)
            throws CheckpointFormatException {
        List<Parameter> plan = Weights.plan(builder);
        List<TensorSpec> expected = expected(plan, checkpoint, part.compVisPrefix(), unwanted);
        KeyReport.comparePart(part, expected, checkpoint).requireFit(checkpoint);
        for (Parameter parameter : plan) {
            requireFloats(checkpoint, part.compVisPrefix() + parameter.name());
        }
        return plan;
    }

    private static void requireFloats(Checkpoint checkpoint, String key)
            throws CheckpointFormatException {
        Entry entry = checkpoint.find(key).orElseThrow();
        if (!entry.dtype().isFloat()) {
            throw new CheckpointFormatException(
                    "%s: weight \"%s\" holds %s; expected floating-point numbers"
                            .formatted(checkpoint.path(), key, entry.dtype()));
        }
    }

    /** The plan, and whatever the file has of what is not wanted. */
    private static List<TensorSpec> expected(
            List<Parameter> plan,
            Checkpoint checkpoint,
            String prefix,
            Predicate<String> unwanted) {
        List<TensorSpec> specs = new ArrayList<>();
        for (Parameter parameter : plan) {
            specs.add(new TensorSpec(prefix + parameter.name(), parameter.fileShape().sizes()));
        }
        for (Entry entry : checkpoint.entries()) {
            String name = entry.name();
            if (name.startsWith(prefix) && unwanted.test(name.substring(prefix.length()))) {
                specs.add(new TensorSpec(name, entry.shape()));
            }
        }
        return specs;
    }

    private Tensor upload(Parameter parameter) throws IOException {
        String key = part.compVisPrefix() + parameter.name();
        Entry entry = checkpoint.find(key).orElseThrow();
        FloatSource values = new EntrySource(entry);
        return backend.upload(entry.name(), parameter.form(), parameter.shape(), values);
    }
}
