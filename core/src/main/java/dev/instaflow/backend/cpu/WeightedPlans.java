package dev.instaflow.backend.cpu;

import dev.instaflow.backend.BackendException;

/**
 * Finds the primitive for an operation with a packed weight. The weight keeps the layout that it was
 * packed in wherever oneDNN computes well with it; where only a slow implementation, or none, takes that
 * layout and another layout does better, the plan expects the other one.
 */
final class WeightedPlans {
    /** Where the weights stand among the arguments of every plan made here. */
    static final int WEIGHTS = 0;

    private final CpuEngine engine;

    WeightedPlans(CpuEngine engine) {
        this.engine = engine;
    }

    /** Builds plans of one operation; the weights are the first argument. */
    interface Maker {
        /** A plan for weights of that layout, which the plan takes over. */
        Plan build(PlanKey key, Layout weights);

        /** The layout that leaves the choice to oneDNN. */
        Layout anyLayout();
    }

    /** Makes and stores the plan; {@code packed} is the shared layout that the weight has. */
    Plan make(PlanKey key, Layout packed, Maker maker) {
        Plan withPacked = tryPacked(key, packed, maker);
        if (withPacked != null && !withPacked.isFallback()) {
            return engine.plans().add(key, withPacked.expects(packed));
        }
        Plan withAny = maker.build(key, maker.anyLayout());
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

    /** The shared layout that oneDNN chooses. */
    Layout preferred(PlanKey key, Maker maker) {
        Plan plan = engine.plans().get(key);
        if (plan == null) {
            Plan fresh = maker.build(key, maker.anyLayout());
            plan = engine.plans().add(key, fresh.expects(engine.shared(fresh.layout(WEIGHTS))));
        }
        try {
            return plan.weights();
        } finally {
            plan.release();
        }
    }

    /** Runs a plan on a weight and the other addresses, and releases it. */
    static void run(Plan plan, PackedWeight weight, long... others) {
        try {
            long[] addresses = new long[others.length + 1];
            addresses[WEIGHTS] = weight.addressIn(plan.weights());
            System.arraycopy(others, 0, addresses, 1, others.length);
            plan.execute(addresses);
        } finally {
            plan.release();
        }
    }

    /** The plan with packed weights, or null where oneDNN has no implementation at all for them. */
    private static Plan tryPacked(PlanKey key, Layout packed, Maker maker) {
        try {
            return maker.build(key, packed.copy());
        } catch (BackendException e) {
            return null;
        }
    }
}
