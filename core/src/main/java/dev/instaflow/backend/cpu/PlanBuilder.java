package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;

/**
 * Collects the arguments and post-operations of one primitive and makes a {@link Plan} of them. Owns the
 * layouts that it is given until the plan has them. Used once.
 */
final class PlanBuilder implements AutoCloseable {
    /** A primitive descriptor's factory: one of the {@code dnnl_*_primitive_desc_create}. */
    interface Factory {
        int create(dnnl_primitive_desc result, dnnl_engine engine, dnnl_primitive_attr attributes);
    }

    /** 20 to 50 microseconds of one core: below that, measured, other threads cost as much as they save. */
    private static final double SERIAL_BELOW = 3e6;

    private final CpuEngine engine;
    private final PlanKey key;
    private final List<Integer> ids = new ArrayList<>();
    private final List<Layout> layouts = new ArrayList<>();
    private final dnnl_primitive_attr attributes = new dnnl_primitive_attr();
    private final dnnl_post_ops postOps = new dnnl_post_ops();
    private int postOpCount;
    private boolean serial;
    private boolean taken;

    PlanBuilder(CpuEngine engine, PlanKey key) {
        this.engine = engine;
        this.key = key;
        OneDnn.check(dnnl_primitive_attr_create(attributes), "dnnl_primitive_attr_create", key);
        dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
        OneDnn.check(dnnl_post_ops_create(postOps), "dnnl_post_ops_create", key);
    }

    /** Adds an argument; runs take addresses in the order of these calls. */
    Layout argument(int id, Layout layout) {
        ids.add(id);
        layouts.add(layout);
        return layout;
    }

    /**
     * Says how much there is to do, in multiplications or the like; a small primitive is made and run
     * for the calling thread alone. Without this call the work counts as large.
     */
    void work(double operations) {
        serial = operations < SERIAL_BELOW && engine.canRunSerially();
    }

    /** Says that the primitive is one thread's part of a larger job, whatever its size. */
    void forCallingThread() {
        serial = engine.canRunSerially();
    }

    /** Applies {@code result = algorithm(result, other)} at the end, {@code other} a new argument. */
    void thenBinary(int algorithm, Layout other) {
        int id = DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (postOpCount + 1) | DNNL_ARG_SRC_1;
        argument(id, other);
        OneDnn.check(
                dnnl_post_ops_append_binary(postOps, algorithm, other.handle()),
                "dnnl_post_ops_append_binary",
                key);
        postOpCount++;
    }

    /** Adds what the result's memory held before. */
    void thenSum() {
        OneDnn.check(
                dnnl_post_ops_append_sum(postOps, 1, 0, dnnl_data_type_undef),
                "dnnl_post_ops_append_sum",
                key);
        postOpCount++;
    }

    /** Applies an element-wise function at the end. */
    void thenEltwise(int algorithm, float alpha, float beta) {
        OneDnn.check(
                dnnl_post_ops_append_eltwise(postOps, algorithm, alpha, beta),
                "dnnl_post_ops_append_eltwise",
                key);
        postOpCount++;
    }

    /** Makes the plan. Where a layout was {@link Layout#any}, the plan has what the primitive chose. */
    Plan build(Factory factory) {
        dnnl_primitive primitive = new dnnl_primitive();
        dnnl_primitive_desc description = limited(() -> create(factory, primitive));
        try {
            adoptChosen(description, DNNL_ARG_WEIGHTS, dnnl_query_weights_md);
            adoptChosen(description, DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md);
            Layout scratch = Layout.chosenBy(description, dnnl_query_scratchpad_md);
            long scratchBytes = scratch.bytes();
            if (scratchBytes > 0) {
                argument(DNNL_ARG_SCRATCHPAD, scratch);
            } else {
                scratch.close();
            }
            taken = true;
            return new Plan(this, primitive, implementation(description), scratchBytes);
        } finally {
            dnnl_primitive_desc_destroy(description);
        }
    }

    /** Makes a plan that copies values from one layout to another. */
    Plan buildCopy(Layout from, Layout to) {
        argument(DNNL_ARG_FROM, from);
        argument(DNNL_ARG_TO, to);
        return build(
                (result, cpu, attributes) ->
                        dnnl_reorder_primitive_desc_create(
                                result, from.handle(), cpu, to.handle(), cpu, attributes));
    }

    /** What a primitive would choose for weights of any layout; the caller's. */
    Layout chosenWeights(Factory factory) {
        dnnl_primitive_desc description = limited(() -> describe(factory));
        try {
            return Layout.chosenBy(description, dnnl_query_weights_md);
        } finally {
            dnnl_primitive_desc_destroy(description);
        }
    }

    private dnnl_primitive_desc create(Factory factory, dnnl_primitive primitive) {
        dnnl_primitive_desc description = describe(factory);
        int status = dnnl_primitive_create(primitive, description);
        if (status != dnnl_success) {
            dnnl_primitive_desc_destroy(description);
        }
        OneDnn.check(status, "dnnl_primitive_create", key);
        return description;
    }

    private dnnl_primitive_desc describe(Factory factory) {
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        OneDnn.check(
                dnnl_primitive_attr_set_post_ops(attributes, postOps),
                "dnnl_primitive_attr_set_post_ops",
                key);
        OneDnn.check(
                factory.create(description, engine.handle(), attributes),
                "primitive_desc_create",
                key);
        return description;
    }

    /** Runs a step for as many threads as the plan will have: oneDNN looks when it is made. */
    private <T> T limited(Supplier<T> step) {
        if (!serial) {
            return step.get();
        }
        engine.oneThread();
        try {
            return step.get();
        } finally {
            engine.allThreads();
        }
    }

    private void adoptChosen(dnnl_primitive_desc description, int argument, int query) {
        int index = ids.indexOf(argument);
        if (index >= 0) {
            layouts.set(index, Layout.chosenBy(description, query)).close();
        }
    }

    private static String implementation(dnnl_primitive_desc description) {
        try (NativeCell name = new NativeCell()) {
            dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, name.pointer());
            return name.text();
        }
    }

    CpuEngine engine() {
        return engine;
    }

    PlanKey key() {
        return key;
    }

    boolean serial() {
        return serial;
    }

    int[] argumentIds() {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    Layout[] layouts() {
        return layouts.toArray(new Layout[0]);
    }

    /** Frees what is not the plan's. */
    @Override
    public void close() {
        if (!taken) {
            for (Layout layout : layouts) {
                layout.close();
            }
        }
        dnnl_post_ops_destroy(postOps);
        dnnl_primitive_attr_destroy(attributes);
    }
}
