package dev.instaflow.train;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Keeps account of which results depend on tracked tensors, without recording how: a block on which nothing
 * tracked has an influence need not be computed again.
 */
final class DependenceOps extends ForwardingOps {
    private final Predicate<Tensor> tracked;
    private final Set<Tensor> dependent;

    DependenceOps(Ops inner, Predicate<Tensor> tracked) {
        this(inner, tracked, Collections.newSetFromMap(new IdentityHashMap<>()));
    }

    private DependenceOps(Ops inner, Predicate<Tensor> tracked, Set<Tensor> dependent) {
        super(inner);
        this.tracked = tracked;
        this.dependent = dependent;
    }

    boolean depends(Tensor tensor) {
        return tracked.test(tensor) || dependent.contains(tensor);
    }

    @Override
    protected Ops over(Ops other) {
        return new DependenceOps(other, tracked, dependent);
    }

    @Override
    protected Tensor made(Tensor y, Tensor... inputs) {
        for (Tensor input : inputs) {
            if (depends(input)) {
                dependent.add(y);
                return y;
            }
        }
        return y;
    }
}
