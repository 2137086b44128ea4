package dev.instaflow.backend;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.function.Function;

/**
 * The bookkeeping of scopes, the same for every backend: who owns which tensor, and on which thread. A
 * backend's {@code Ops} call {@link #own} for each tensor that they make.
 */
public final class TensorScope implements Scope {
    private static final int CLOSED = -1;

    private final Family family;
    private final TensorScope outer;
    private Tensor[] owned;
    private int count;
    private Ops ops;

    private TensorScope(Family family, TensorScope outer) {
        this.family = family;
        this.outer = outer;
    }

    /**
     * What a root scope and all scopes inside it share. A step opens hundreds of them, so their lists are
     * used again.
     */
    private static final class Family {
        private static final int FEW = 4;

        private final String name;
        private final Function<TensorScope, Ops> opsFactory;
        private final Thread thread = Thread.currentThread();
        private final ArrayDeque<Tensor[]> idleLists = new ArrayDeque<>();

        Family(String name, Function<TensorScope, Ops> opsFactory) {
            this.name = name;
            this.opsFactory = opsFactory;
        }

        Tensor[] takeList() {
            Tensor[] list = idleLists.poll();
            return list == null ? new Tensor[FEW] : list;
        }
    }

    /**
     * A scope that stands alone; what escapes from it is the caller's.
     *
     * @param name for messages
     * @param opsFactory makes the operations of a scope
     * @return an open scope of the calling thread
     */
    public static TensorScope root(String name, Function<TensorScope, Ops> opsFactory) {
        return new TensorScope(new Family(name, opsFactory), null);
    }

    /**
     * A scope inside this one.
     *
     * @return an open scope
     */
    public TensorScope openInner() {
        checkUsable();
        return new TensorScope(family, this);
    }

    /**
     * Takes a fresh tensor.
     *
     * @param tensor made by this scope's operations
     * @return {@code tensor}
     */
    public Tensor own(Tensor tensor) {
        if (owned == null) {
            owned = family.takeList();
        } else if (count == owned.length) {
            owned = Arrays.copyOf(owned, 2 * count);
        }
        owned[count++] = tensor;
        return tensor;
    }

    /**
     * Called by operations before they work.
     *
     * @throws IllegalStateException after close, or on another thread
     */
    public void checkUsable() {
        if (count == CLOSED) {
            throw new IllegalStateException(
                    "scope \"" + family.name + "\" used after it was closed");
        }
        if (Thread.currentThread() != family.thread) {
            throw new IllegalStateException(
                    "scope \"%s\" belongs to thread %s and was used on %s"
                            .formatted(
                                    family.name,
                                    family.thread.getName(),
                                    Thread.currentThread().getName()));
        }
    }

    @Override
    public Ops ops() {
        checkUsable();
        if (ops == null) {
            ops = family.opsFactory.apply(this);
        }
        return ops;
    }

    @Override
    public Tensor escape(Tensor tensor) {
        checkUsable();
        for (int i = count - 1; i >= 0; i--) {
            if (owned[i] == tensor) {
                count--;
                System.arraycopy(owned, i + 1, owned, i, count - i);
                owned[count] = null;
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
        if (count == CLOSED) {
            return;
        }
        int last = count - 1;
        count = CLOSED;
        for (int i = last; i >= 0; i--) {
            owned[i].close(this);
            owned[i] = null;
        }
        if (owned != null) {
            family.idleLists.push(owned);
            owned = null;
        }
    }

    /** What ended the tensors of a closed scope, for their messages. */
    @Override
    public String toString() {
        return "scope \"" + family.name + "\" closed";
    }
}
