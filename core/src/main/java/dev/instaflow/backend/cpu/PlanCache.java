package dev.instaflow.backend.cpu;

/** The primitives made so far, and the keys to look for them. Thread-safe. */
final class PlanCache implements AutoCloseable {
    private final HeldCache<PlanKey, Plan> plans;
    private PlanKey idleKeys;

    PlanCache(int capacity) {
        plans = new HeldCache<>(capacity);
    }

    /** An empty key for one {@link #get}. */
    synchronized PlanKey key(PlanKey.Op op) {
        PlanKey key = idleKeys;
        if (key == null) {
            key = new PlanKey(op);
        } else {
            idleKeys = key.next;
        }
        key.lent = true;
        return key.restart(op);
    }

    /**
     * The plan of that key, held for the caller, and a lent key is the cache's again; or null, and the
     * key stays the caller's for {@link #add}.
     */
    synchronized Plan get(PlanKey key) {
        Plan plan = plans.get(key);
        if (plan != null) {
            takeBack(key);
        }
        return plan;
    }

    private void takeBack(PlanKey key) {
        if (key.lent) {
            key.lent = false;
            key.next = idleKeys;
            idleKeys = key;
        }
    }

    /** Stores a fresh plan and returns it held; if another thread was faster, its plan. */
    synchronized Plan add(PlanKey key, Plan fresh) {
        key.lent = false;
        return plans.add(key, fresh);
    }

    int size() {
        return plans.size();
    }

    @Override
    public void close() {
        plans.close();
    }
}
