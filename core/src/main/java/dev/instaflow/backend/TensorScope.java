package dev.instaflow.backend;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The bookkeeping of scopes, the same for every backend: who owns which tensor, and on which thread. A
 * backend's {@code Ops} call {@link #own} for each tensor that they make.
 */
public final class TensorScope implements Scope {
    /** A step makes hundreds of scopes, most of which own one to three tensors. */
    private static final int FEW = 3;

    private final String name;
    private final TensorScope outer;
    private final Function<TensorScope, Ops> opsFactory;
    private final Thread thread = Thread.currentThread();
    private final List<Tensor> owned = new ArrayList<>(FEW);
    private Ops ops;
    private boolean closed;

    private TensorScope(String name, TensorScope outer, Function<TensorScope, Ops> opsFactory) {
        this.name = name;
        this.outer = outer;
        this.opsFactory = opsFactory;
    }

    /**
     * A scope that stands alone; what escapes from it is the caller's.
     *
     * @param name for messages
     * @param opsFactory makes the operations of a scope
     * @return an open scope of the calling thread
     */
    public static TensorScope root(String name, Function<TensorScope, Ops> opsFactory) {
        return new TensorScope(name, null, opsFactory);
    }

    /**
     * A scope inside this one.
     *
     * @return an open scope
     */
    public TensorScope openInner() {
        checkUsable();
        return new TensorScope(name, this, opsFactory);
    }

    /**
     * Takes a fresh tensor.
     *
     * @param tensor made by this scope's operations
     * @return {@code tensor}
     */
    public Tensor own(Tensor tensor) {
        owned.add(tensor);
        return tensor;
    }

    /**
     * Called by operations before they work.
     *
     * @throws IllegalStateException after close, or on another thread
     */
    public void checkUsable() {
        if (closed) {
            throw new IllegalStateException("scope \"" + name + "\" used after it was closed");
        }
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException(
                    "scope \"%s\" belongs to thread %s and was used on %s"
                            .formatted(name, thread.getName(), Thread.currentThread().getName()));
        }
    }

    @Override
    public Ops ops() {
        checkUsable();
        if (ops == null) {
            ops = opsFactory.apply(this);
        }
        return ops;
    }

    @Override
    public Tensor escape(Tensor tensor) {
        checkUsable();
        for (int i = owned.size() - 1; i >= 0; i--) {
            if (owned.get(i) == tensor) {
                owned.remove(i);
                if (outer != null) {
                    outer.own(tensor);
                }
                break;
            }
        }
        return tensor;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (int i = owned.size() - 1; i >= 0; i--) {
            owned.get(i).close(this);
        }
        owned.clear();
    }

    /** What ended the tensors of a closed scope, for their messages. */
    @Override
    public String toString() {
        return "scope \"" + name + "\" closed";
    }
}
