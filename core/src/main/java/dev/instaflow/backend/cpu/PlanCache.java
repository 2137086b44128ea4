package dev.instaflow.backend.cpu;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The primitives made so far, the least recently used given up first. Whoever gets a plan holds it until
 * {@link Plan#release}, and a plan that is held is never given up. Thread-safe.
 */
final class PlanCache implements AutoCloseable {
    private final int capacity;
    private final Map<PlanKey, Plan> plans = new LinkedHashMap<>(256, 0.75f, true);

    private PlanKey idleKeys;

    PlanCache(int capacity) {
        this.capacity = capacity;
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
            plan.hold();
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
        Plan known = plans.get(key);
        if (known != null) {
            fresh.close();
            known.hold();
            return known;
        }
        fresh.hold();
        key.lent = false;
        plans.put(key, fresh);
        Iterator<Plan> eldest = plans.values().iterator();
        while (plans.size() > capacity && eldest.hasNext()) {
            Plan plan = eldest.next();
            if (!plan.held()) {
                eldest.remove();
                plan.close();
            }
        }
        return fresh;
    }

    synchronized int size() {
        return plans.size();
    }

    @Override
    public synchronized void close() {
        for (Plan plan : plans.values()) {
            plan.close();
        }
        plans.clear();
    }
}
