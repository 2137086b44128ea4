package dev.instaflow.nn;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Storage;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where a layer takes its weights from: names under a prefix. A model is built twice by the same code
 * (see {@link WeightSource#load}): against a recorder, which tells what the model needs, and against
 * the uploaded tensors.
 */
public final class Weights {
    /** Answers a layer's request; the name is relative to the model. */
    private interface Taker {
        Tensor take(Parameter parameter);
    }

    private final Taker taker;
    private final String prefix;

    private Weights(Taker taker, String prefix) {
        this.taker = taker;
        this.prefix = prefix;
    }

    static Weights over(OwnedWeights set) {
        return new Weights(parameter -> set.get(parameter.name()), "");
    }

    /**
     * What a model needs, without a file.
     *
     * @param model builds the model; what it builds is dropped
     * @return the sizes in the file by key, in file order
     */
    public static Map<String, Shape> parameters(ModelBuilder<?> model) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        plan(model).forEach(parameter -> shapes.put(parameter.name(), parameter.fileShape()));
        return Collections.unmodifiableMap(shapes);
    }

    static List<Parameter> plan(ModelBuilder<?> model) {
        List<Parameter> plan = new ArrayList<>();
        Taker recorder =
                parameter -> {
                    plan.add(parameter);
                    return new Tensor(
                            parameter.name(), parameter.shape(), DType.F32, NoStorage.INSTANCE);
                };
        model.build(new Weights(recorder, ""), new OwnedWeights());
        return plan;
    }

    /**
     * A part of the model.
     *
     * @param name appended to the prefix with a dot
     * @return the weights of that part
     */
    public Weights under(String name) {
        return new Weights(taker, prefix + name + '.');
    }

    /**
     * Takes one weight.
     *
     * @param name the rest of the key
     * @param form what it is used for
     * @param sizes the sizes in the file
     * @return a tensor of that shape; the model owns it
     */
    public Tensor take(String name, WeightForm form, long... sizes) {
        Shape shape = Shape.of(sizes);
        return taker.take(new Parameter(prefix + name, form, shape, shape));
    }

    /**
     * Takes a 1x1 kernel as the matrix of a linear layer, which over channels-last memory is the same.
     *
     * @param name the rest of the key
     * @param out channels of the result
     * @param in channels of the input
     * @return [out,in]; the model owns it
     */
    public Tensor takePointwise(String name, long out, long in) {
        return taker.take(
                new Parameter(
                        prefix + name,
                        WeightForm.LINEAR,
                        Shape.of(out, in, 1, 1),
                        Shape.of(out, in)));
    }

    /**
     * Builds a model from its weights, always asking for the same ones in the same order.
     *
     * @param <M> the model
     */
    @FunctionalInterface
    public interface ModelBuilder<M> {
        /**
         * Takes all weights.
         *
         * @param weights asked for every weight, in file order
         * @param owned to be closed by the model
         * @return the model
         */
        M build(Weights weights, OwnedWeights owned);
    }

    /** Behind the recorder's tensors, which nobody computes with. */
    private enum NoStorage implements Storage {
        INSTANCE;

        @Override
        public void retain() {}

        @Override
        public void release() {}
    }
}
