package dev.instaflow.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Counts floating-point operations and bytes, so that JMH reports them per second. */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Work {
    /** 10^9 additions and multiplications, a fused one counted as two. */
    public double gflop;

    /** 10^9 bytes that must move at least once: inputs, weights and results in F32. */
    public double gbyte;

    /** Called by JMH. */
    @Setup(Level.Iteration)
    public void reset() {
        gflop = 0;
        gbyte = 0;
    }

    /**
     * One execution more.
     *
     * @param flop additions and multiplications
     * @param floats values that must move
     */
    public void add(double flop, double floats) {
        gflop += flop * 1e-9;
        gbyte += floats * Float.BYTES * 1e-9;
    }
}
