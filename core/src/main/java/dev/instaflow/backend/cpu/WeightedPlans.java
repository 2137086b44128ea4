package dev.instaflow.backend.cpu;

import dev.instaflow.backend.BackendException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Finds the primitive for an operation with a packed weight. The weight keeps the layout that it was
 * packed in wherever oneDNN computes well with it; where only a slow implementation, or none, takes that
 * layout and another layout does better, the plan expects the other one.
 */
final class WeightedPlans {
    /** Where the weights stand among the arguments of every plan made here. */
    static final int WEIGHTS = 0;

    private final CpuEngine engine;
    private final Map<PlanKey, Layout> preferred = new ConcurrentHashMap<>();

    WeightedPlans(CpuEngine engine) {
        this.engine = engine;
    }

    /** Describes one operation to a builder. */
    interface Maker {
        /**
         * Adds all arguments, the weights first, which the builder takes over.
         *
         * @return what makes the primitive's descriptor
         */
        PlanBuilder.Factory describe(PlanBuilder builder, Layout weights);

        /** The layout that leaves the choice to oneDNN. */
        Layout anyLayout();
    }

    /** Makes and stores the plan; {@code packed} is the shared layout that the weight has. */
    Plan make(PlanKey key, Layout packed, Maker maker) {
        Plan withPacked = tryBuild(key, packed.copy(), maker);
        if (withPacked != null && !withPacked.isFallback()) {
            return engine.plans().add(key, withPacked.expects(packed));
        }
        Plan withAny = build(key, maker.anyLayout(), maker);
        if (withPacked != null && withAny.isFallback()) {
            withAny.close();
            return engine.plans().add(key, withPacked.expects(packed));
        }
        if (withPacked != null) {
            withPacked.close();
        }
        Layout chosen = engine.shared(withAny.layout(WEIGHTS));
        return engine.plans().add(key, withAny.expects(chosen));
    }

    /** A fresh plan for weights of that layout, or null where oneDNN has no implementation for them. */
    Plan tryBuild(PlanKey key, Layout weights, Maker maker) {
        try {
            return build(key, weights, maker);
        } catch (BackendException e) {
            return null;
        }
    }

    private Plan build(PlanKey key, Layout weights, Maker maker) {
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            return builder.build(maker.describe(builder, weights));
        }
    }

    /** The shared layout that oneDNN chooses; no primitive is made to find out. */
    Layout preferred(PlanKey key, Maker maker) {
        return preferred.computeIfAbsent(key, ignored -> choose(key, maker));
    }

    private Layout choose(PlanKey key, Maker maker) {
        try (PlanBuilder builder = new PlanBuilder(engine, key)) {
            PlanBuilder.Factory factory = maker.describe(builder, maker.anyLayout());
            try (Layout chosen = builder.chosenWeights(factory)) {
                return engine.shared(chosen);
            }
        }
    }

    /** Begins the run of a plan on a weight; the other addresses follow. Releases it if that fails. */
    static Plan.Call call(Plan plan, PackedWeight weight) {
        boolean begun = false;
        try {
            PackedWeight.Use use = weight.in(plan.weights());
            Plan.Call call = plan.call().withWeight(use);
            begun = true;
            return call;
        } finally {
            if (!begun) {
                plan.release();
            }
        }
    }
}
