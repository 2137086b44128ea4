package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;

/**
 * Describes a backward primitive: oneDNN makes one only with the description of its forward one, which is
 * made first and dropped afterwards.
 */
record BackwardFactory(Forward forward, Backward backward) implements PlanBuilder.Factory {
    /** The forward primitive's description, made for training. */
    interface Forward {
        int create(dnnl_primitive_desc result, dnnl_engine cpu);
    }

    /** The backward primitive's description. */
    interface Backward {
        int create(
                dnnl_primitive_desc result,
                dnnl_engine cpu,
                dnnl_primitive_desc forward,
                dnnl_primitive_attr attributes);
    }

    @Override
    public int create(dnnl_primitive_desc result, dnnl_engine cpu, dnnl_primitive_attr attributes) {
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        int status = forward.create(description, cpu);
        if (status != dnnl_success) {
            return status;
        }
        try {
            return backward.create(result, cpu, description, attributes);
        } finally {
            dnnl_primitive_desc_destroy(description);
        }
    }
}
