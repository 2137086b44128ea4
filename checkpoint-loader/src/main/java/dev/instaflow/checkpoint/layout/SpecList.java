package dev.instaflow.checkpoint.layout;

import java.util.ArrayList;
import java.util.List;

/** Collects the tensors of an architecture, layer by layer, in the order of its state_dict. */
final class SpecList {
    private final List<TensorSpec> tensors = new ArrayList<>();
    private final String prefix;

    SpecList(String prefix) {
        this.prefix = prefix;
    }

    /** A weight of any shape. */
    void weight(String module, long... shape) {
        tensors.add(spec(module + ".weight", shape));
    }

    /** A layer with a bias: its weight's first dimension is the bias' only one. */
    void layer(String module, long... shape) {
        weight(module, shape);
        tensors.add(spec(module + ".bias", shape[0]));
    }

    /** A convolution with a square kernel. */
    void conv(String module, long in, long out, long kernel) {
        layer(module, out, in, kernel, kernel);
    }

    List<TensorSpec> list() {
        return List.copyOf(tensors);
    }

    private TensorSpec spec(String name, long... shape) {
        List<Long> sizes = new ArrayList<>(shape.length);
        for (long size : shape) {
            sizes.add(size);
        }
        return new TensorSpec(prefix + name, sizes);
    }
}
