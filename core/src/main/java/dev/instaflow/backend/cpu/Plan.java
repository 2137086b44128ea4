package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.Pointer;

/**
 * A primitive of oneDNN that is ready to run on any addresses. The primitive itself is stateless and
 * shared; the argument objects have state, so each run checks a set of them out, and there are as many
 * sets as threads have ever run the plan at once.
 */
final class Plan extends HeldCache.Held {
    private final CpuEngine engine;
    private final PlanKey key;
    private final dnnl_primitive primitive;
    private final String implementation;
    private final int[] argumentIds;
    private final Layout[] layouts;
    private final long scratchBytes;
    private final boolean serial;
    private Call idle;
    private Layout weights;

    /**
     * Takes everything over; the last argument is the scratchpad where {@code scratchBytes > 0}.
     */
    Plan(PlanBuilder builder, dnnl_primitive primitive, String implementation, long scratchBytes) {
        this.engine = builder.engine();
        this.key = builder.key();
        this.primitive = primitive;
        this.implementation = implementation;
        this.argumentIds = builder.argumentIds();
        this.layouts = builder.layouts();
        this.scratchBytes = scratchBytes;
        this.serial = builder.serial();
    }

    /**
     * One run: addresses in the builder's order, then one of the methods that run. Memory objects, their
     * holder and a stream, which the plan has again afterwards.
     */
    static final class Call {
        private final Plan plan;
        private final dnnl_stream stream = new dnnl_stream();
        private final dnnl_memory[] memories;
        private final dnnl_exec_arg_t array;
        private final NativeAddress address = new NativeAddress();
        private PackedWeight.Use weight;
        private int count;
        private Call next;

        private Call(Plan plan) {
            this.plan = plan;
            dnnl_engine engine = plan.engine.handle();
            OneDnn.check(
                    dnnl_stream_create(stream, engine, dnnl_stream_default_flags),
                    "dnnl_stream_create",
                    plan);
            memories = new dnnl_memory[plan.layouts.length];
            long size = (long) Pointer.sizeof(dnnl_exec_arg_t.class) * memories.length;
            array = new dnnl_exec_arg_t(Pointer.malloc(size));
            // Any address but null will do until the first run sets it.
            address.at(MemoryPool.ALIGNMENT);
            for (int i = 0; i < memories.length; i++) {
                memories[i] = new dnnl_memory();
                OneDnn.check(
                        dnnl_memory_create(memories[i], plan.layouts[i].handle(), engine, address),
                        "dnnl_memory_create",
                        plan);
                array.position(i).arg(plan.argumentIds[i]).memory(memories[i]);
            }
            array.position(0);
        }

        /** Where the next argument lies. */
        Call with(long value) {
            dnnl_memory_set_data_handle(memories[count++], address.at(value));
            return this;
        }

        /** The next argument is a weight, given back after the run. */
        Call withWeight(PackedWeight.Use use) {
            weight = use;
            return with(use.address());
        }

        private Call withAll(long... values) {
            for (long value : values) {
                with(value);
            }
            return this;
        }

        /** Runs, and releases the plan. */
        void run() {
            try {
                execute();
            } finally {
                plan.release();
            }
        }

        /** Runs, and keeps the plan held. */
        void execute() {
            if (!plan.serial) {
                executeHere();
                return;
            }
            plan.engine.oneThread();
            try {
                executeHere();
            } finally {
                plan.engine.allThreads();
            }
        }

        /** As {@link #execute}, with as many threads as the calling thread is limited to now. */
        void executeHere() {
            MemoryPool.Block scratch = null;
            try {
                if (plan.scratchBytes > 0) {
                    scratch = plan.engine.pool().take(plan.scratchBytes, "scratch memory");
                    with(scratch.address());
                }
                int status = dnnl_primitive_execute(plan.primitive, stream, memories.length, array);
                OneDnn.check(status, "dnnl_primitive_execute", plan);
            } finally {
                if (scratch != null) {
                    plan.engine.pool().give(scratch);
                }
                if (weight != null) {
                    weight.close();
                    weight = null;
                }
                plan.takeBack(this);
            }
        }

        private void close() {
            for (dnnl_memory memory : memories) {
                dnnl_memory_destroy(memory);
            }
            Pointer.free(array);
            dnnl_stream_destroy(stream);
        }
    }

    /** Begins a run; whoever calls this goes on to run it. */
    Call call() {
        synchronized (this) {
            Call call = idle;
            if (call != null) {
                idle = call.next;
                call.count = 0;
                return call;
            }
        }
        return new Call(this);
    }

    private synchronized void takeBack(Call call) {
        call.next = idle;
        idle = call;
    }

    /** Runs on these addresses, one for each argument in the builder's order, and releases the plan. */
    void run(long... addresses) {
        call().withAll(addresses).run();
    }

    /** Runs and keeps the plan held. */
    void execute(long... addresses) {
        call().withAll(addresses).execute();
    }

    /** As {@link #execute}, with as many threads as the calling thread is limited to now. */
    void executeHere(long[] addresses) {
        call().withAll(addresses).executeHere();
    }

    /** The layout of an argument, owned by this plan. */
    Layout layout(int argument) {
        return layouts[argument];
    }

    /** The shared layout that this plan expects its weights in. */
    Layout weights() {
        return weights;
    }

    /** Says so before the plan is used. */
    Plan expects(Layout sharedWeights) {
        weights = sharedWeights;
        return this;
    }

    /** Whether oneDNN has only its unoptimised or general implementation for this. */
    boolean isFallback() {
        return implementation.startsWith("ref") || implementation.startsWith("gemm");
    }

    /** What oneDNN calls the implementation, such as {@code brg_matmul:avx512_core}. */
    String implementation() {
        return implementation;
    }

    @Override
    public synchronized void close() {
        for (Call call = idle; call != null; call = call.next) {
            call.close();
        }
        idle = null;
        dnnl_primitive_destroy(primitive);
        for (Layout layout : layouts) {
            layout.close();
        }
    }

    @Override
    public String toString() {
        return key + " (" + implementation + ")";
    }
}
