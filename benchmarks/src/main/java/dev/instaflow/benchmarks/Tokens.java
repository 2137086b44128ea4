package dev.instaflow.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Counts tokens, so that JMH reports them per second. */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Tokens {
    /** Produced so far in this iteration. */
    public long tokens;

    /** Called by JMH. */
    @Setup(Level.Iteration)
    public void reset() {
        tokens = 0;
    }
}
