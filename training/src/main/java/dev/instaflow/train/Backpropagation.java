package dev.instaflow.train;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * The way back over a recording: which gradients stand, and who closes them. The gradient of an
 * intermediate result is freed as soon as it has been passed on; what remains are those of the leaves.
 */
final class Backpropagation implements AutoCloseable {
    private final TrainingBackend backend;
    private final Predicate<Tensor> tracked;
    private final Map<Tensor, Tensor> gradients = new IdentityHashMap<>();
    private Scope scope;

    Backpropagation(TrainingBackend backend, Predicate<Tensor> tracked) {
        this.backend = backend;
        this.tracked = tracked;
    }

    /** What an operation does with the gradient of its result. */
    interface Rule {
        void passOn(Backpropagation back, Tensor dy);
    }

    /** One recorded operation. */
    record Node(Tensor output, Rule rule) {}

    /** Adds to a gradient that stands; the argument stays the caller's. */
    void seed(Tensor output, Tensor gradient) {
        step(() -> give(output, ops().view(gradient, gradient.shape())));
    }

    /** Goes through the operations from the last to the first. */
    void run(List<Node> nodes) {
        for (int i = nodes.size() - 1; i >= 0; i--) {
            Node node = nodes.get(i);
            Tensor dy = gradients.remove(node.output());
            if (dy != null) {
                try (dy) {
                    step(() -> node.rule().passOn(this, dy));
                }
            }
        }
    }

    private void step(Runnable work) {
        try (Scope open = backend.openScope("backward")) {
            scope = open;
            work.run();
        } finally {
            scope = null;
        }
    }

    Ops ops() {
        return scope.ops();
    }

    GradOps gradOps() {
        return backend.gradients(ops());
    }

    boolean wants(Tensor input) {
        return tracked.test(input);
    }

    /** Computes and passes on the gradient of an input, if anybody wants it. */
    void to(Tensor input, Supplier<Tensor> gradient) {
        if (wants(input)) {
            give(input, gradient.get());
        }
    }

    /** Passes on the gradient itself, as a view: each owner closes its own. */
    void same(Tensor input, Tensor dy) {
        to(input, () -> ops().view(dy, input.shape()));
    }

    /** Adds a tensor of the present scope to the gradient of an input that is wanted. */
    void give(Tensor input, Tensor gradient) {
        if (!wants(input)) {
            return;
        }
        Tensor known = gradients.remove(input);
        if (known == null) {
            gradients.put(input, scope.escape(gradient));
            return;
        }
        try (known) {
            gradients.put(input, scope.escape(ops().add(known, gradient)));
        }
    }

    /** Moves what stands for tensors that the other pass wants too, summed, into that pass. */
    void moveTo(Backpropagation outer) {
        List<Tensor> inputs = new ArrayList<>(gradients.keySet());
        for (Tensor input : inputs) {
            if (outer.wants(input)) {
                Tensor gradient = gradients.get(input);
                outer.give(input, outer.ops().view(gradient, gradient.shape()));
            }
        }
    }

    /** The gradient of a leaf, or null if nothing reached it. */
    Tensor of(Tensor leaf) {
        return gradients.get(leaf);
    }

    @Override
    public void close() {
        gradients.values().forEach(tensor -> tensor.close("its tape was closed"));
        gradients.clear();
    }
}
