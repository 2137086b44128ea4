package dev.instaflow.train;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.nn.OwnedWeights;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The weights that a run trains, in file order. Not thread-safe. */
public final class Parameters {
    /** Values read at once, so that no gradient stands a second time on the heap. */
    private static final int PART = 1 << 16;

    private final TrainingBackend backend;
    private final List<Parameter> list = new ArrayList<>();

    /**
     * An empty set.
     *
     * @param backend holds the weights
     */
    public Parameters(TrainingBackend backend) {
        this.backend = backend;
    }

    /**
     * Adds weights of one network; their present values become the masters.
     *
     * @param part which network
     * @param weights loaded to the backend
     * @param fileShapes sizes by key, as the network's {@code parameters} gives them
     * @param trained which keys, without the part's prefix
     */
    public void add(
            ModelPart part,
            OwnedWeights weights,
            Map<String, Shape> fileShapes,
            Predicate<String> trained) {
        try (Scope scope = backend.openScope("masters")) {
            weights.tensors()
                    .forEach(
                            (key, tensor) -> {
                                if (trained.test(key)) {
                                    String name = part.compVisPrefix() + key;
                                    float[] values = scope.ops().toArray(tensor);
                                    Shape shape = fileShapes.get(key);
                                    list.add(new Parameter(name, shape, tensor, values));
                                }
                            });
        }
    }

    /**
     * Adds a parameter that is no weight of a network.
     *
     * @param name its key in a file
     * @param shape its sizes in a file
     * @param tensor uploaded to the backend; the caller closes it
     * @param values what it holds, in the file's order: the master, not copied
     */
    public void add(String name, Shape shape, Tensor tensor, float... values) {
        list.add(new Parameter(name, shape, tensor, values));
    }

    /**
     * All of them.
     *
     * @return a read-only view
     */
    public List<Parameter> list() {
        return Collections.unmodifiableList(list);
    }

    /**
     * What a tape has to watch.
     *
     * @return the backend's tensors
     */
    public List<Tensor> tensors() {
        return list.stream().map(Parameter::tensor).toList();
    }

    /** Sets all gradients to 0. */
    public void clearGradients() {
        list.forEach(parameter -> Arrays.fill(parameter.gradient(), 0));
    }

    /**
     * Adds what a backward pass has computed.
     *
     * @param tape after {@link Tape#backward}
     * @param factor 1, or the share of one of several passes in a step
     */
    public void addGradients(Tape tape, float factor) {
        float[] part = new float[PART];
        for (Parameter parameter : list) {
            tape.gradient(parameter.tensor())
                    .ifPresent(from -> addScaled(tape, from, factor, parameter.gradient(), part));
        }
    }

    private static void addScaled(Tape tape, Tensor from, float factor, float[] to, float[] part) {
        for (int first = 0; first < to.length; first += PART) {
            int length = Math.min(PART, to.length - first);
            tape.read(from, first, part, length);
            for (int i = 0; i < length; i++) {
                to[first + i] += factor * part[i];
            }
        }
    }

    /** Brings all masters to the backend. */
    public void upload() {
        try {
            for (Parameter parameter : list) {
                backend.update(parameter.tensor(), FloatSource.of(parameter.values()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // arrays are read, so there is nothing to fail
        }
    }
}
