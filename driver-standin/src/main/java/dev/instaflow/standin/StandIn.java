package dev.instaflow.standin;

import java.util.List;

/**
 * The stand-in libraries in this process. {@link #install} has to come before the first use of any class of JCuda, which loads NVIDIA's
 * libraries by name and finds these instead.
 * <p>There is one driver in a process, and it cannot be unloaded: installing again resets it, that is, drops all contexts, memory, handles,
 * counts and ordered failures, whoever uses them. Tests that share a process call it before each test. Thread-safe, but one test at a time.
 */
public final class StandIn {
    private StandIn() {}

    /**
     * Loads the libraries into this process, or resets them if they are there.
     *
     * @throws IllegalStateException if this is not Linux on x86-64 or the libraries cannot be extracted
     */
    public static StandIn install(StandInSettings settings) {
        NativeBridge.load();
        NativeBridge.restart(settings);
        return new StandIn();
    }

    /** What was called and executed since {@link #install} or {@link #clearLedger}. */
    public Ledger ledger() {
        return Ledger.read();
    }

    /** Starts counting anew; failures that were ordered stand. */
    public void clearLedger() {
        NativeBridge.clearRecords();
    }

    /** What is alive: contexts, memory of device and host, streams, events, modules, graphs, handles and descriptors. */
    public List<Leak> leaks() {
        return NativeBridge.origins().alive();
    }

    /**
     * Why the last call that was refused was, or what a kernel did wrong, with its PTX line; empty if nothing was.
     */
    public String lastFault() {
        return NativeBridge.lastMessage();
    }

    /**
     * Makes a call fail.
     *
     * @param function name without {@code _v2}, such as {@code cuMemAlloc}, {@code cublasGemmEx}, {@code cudnnConvolutionForward}
     * @param nth 1 for its next call
     * @param code the function's result: a CUresult, cublasStatus or cudnnStatus
     */
    public void failCall(String function, long nth, int code) {
        if (nth < 1 || code == 0) {
            throw new IllegalArgumentException(function + ": call " + nth + " with status " + code);
        }
        NativeBridge.orderFailure(function, nth, code);
    }

    /**
     * Makes a kernel fail while it runs, which the host hears of when it waits; the context is of no use from then on.
     *
     * @param nth 1 for the next kernel that runs
     * @param code such as 700, CUDA_ERROR_ILLEGAL_ADDRESS
     */
    public void failKernel(long nth, int code) {
        if (nth < 1 || code == 0) {
            throw new IllegalArgumentException("kernel " + nth + " with status " + code);
        }
        NativeBridge.orderFault(nth, code);
    }
}
