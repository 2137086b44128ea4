package dev.instaflow.ptx.run;

/** Ends a launch after a finding that leaves nothing sensible to go on with; never leaves the package. */
final class KernelFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    KernelFault() {
        super("the launch ended early", null, false, false);
    }
}
