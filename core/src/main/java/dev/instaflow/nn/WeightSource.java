package dev.instaflow.nn;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.KeyReport;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.LongStream;

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
        List<Parameter> plan = Weights.plan(builder);
        KeyReport.comparePart(part, expected(plan, unwanted), checkpoint).requireFit(checkpoint);
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

    /** The plan, and whatever the file has of what is not wanted. */
    private List<TensorSpec> expected(List<Parameter> plan, Predicate<String> unwanted) {
        List<TensorSpec> specs = new ArrayList<>();
        for (Parameter parameter : plan) {
            specs.add(new TensorSpec(key(parameter.name()), sizes(parameter.fileShape())));
        }
        String prefix = part.compVisPrefix();
        for (Entry entry : checkpoint.entries()) {
            String name = entry.name();
            if (name.startsWith(prefix) && unwanted.test(name.substring(prefix.length()))) {
                specs.add(new TensorSpec(name, entry.shape()));
            }
        }
        return specs;
    }

    private Tensor upload(Parameter parameter) throws IOException {
        Entry entry = checkpoint.find(key(parameter.name())).orElseThrow();
        if (!entry.dtype().isFloat()) {
            throw new CheckpointFormatException(
                    "%s: weight \"%s\" holds %s; expected floating-point numbers"
                            .formatted(checkpoint.path(), entry.name(), entry.dtype()));
        }
        return backend.upload(entry.name(), parameter.form(), parameter.shape(), entry::readFloats);
    }

    private String key(String name) {
        return part.compVisPrefix() + name;
    }

    private static List<Long> sizes(Shape shape) {
        return LongStream.range(0, shape.rank())
                .map(axis -> shape.size((int) axis))
                .boxed()
                .toList();
    }
}
