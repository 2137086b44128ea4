package dev.instaflow.benchmarks;

import java.util.Map;

/**
 * What a GPU can do by its data sheet, and which part of that is taken to be reached.
 *
 * @param name of the card
 * @param flops multiplications and additions a second, without sparsity
 * @param bandwidth of its memory, bytes a second
 * @param reached parts of {@code flops} by kind of work
 * @param reachedBandwidth part of {@code bandwidth}
 * @param leastSeconds that a kernel takes, however small
 * @param gapSeconds between two nodes of a graph
 * @param callSeconds of the host for a launch outside a graph
 */
record PaperGpu(
        String name,
        Map<LaunchWork.Arithmetic, Double> flops,
        double bandwidth,
        Map<LaunchWork.Kind, Double> reached,
        double reachedBandwidth,
        double leastSeconds,
        double gapSeconds,
        double callSeconds) {
    private static final double TERA = 1e12;
    private static final double MICRO = 1e-6;

    /** Of JCuda and the context check around it 8 us were measured with a driver that does nothing; a driver adds some 2. */
    private static final double CALL = 10 * MICRO;

    private static final double SMALL_KERNEL = 2 * MICRO;
    private static final double NODE_GAP = 1 * MICRO;

    /** NVIDIA A100 80 GB. */
    static PaperGpu a100() {
        return of(
                "A100",
                312,
                156,
                19.5,
                2.0,
                Map.of(
                        LaunchWork.Kind.CONVOLUTION,
                        0.65,
                        LaunchWork.Kind.PRODUCT,
                        0.65,
                        LaunchWork.Kind.ATTENTION,
                        0.4));
    }

    /** NVIDIA H100 with the PCIe card's clock. */
    static PaperGpu h100() {
        return of(
                "H100",
                790,
                395,
                51,
                3.0,
                Map.of(
                        LaunchWork.Kind.CONVOLUTION,
                        0.6,
                        LaunchWork.Kind.PRODUCT,
                        0.6,
                        LaunchWork.Kind.ATTENTION,
                        0.25));
    }

    private static PaperGpu of(
            String name,
            double half,
            double tf32,
            double f32,
            double bandwidth,
            Map<LaunchWork.Kind, Double> reached) {
        return new PaperGpu(
                name,
                Map.of(
                        LaunchWork.Arithmetic.HALF, half * TERA,
                        LaunchWork.Arithmetic.TF32, tf32 * TERA,
                        LaunchWork.Arithmetic.F32, f32 * TERA),
                bandwidth * TERA,
                reached,
                0.85,
                SMALL_KERNEL,
                NODE_GAP,
                CALL);
    }

    /** The least time by the data sheet: arithmetic or memory, whichever takes longer, and nothing between two launches. */
    double bound(LaunchWork work) {
        double arithmetic = work.flops() == 0 ? 0 : work.flops() / flops.get(work.arithmetic());
        return Math.max(arithmetic, work.bytes() / bandwidth);
    }

    /** With the parts that are reached; without what lies between two launches. */
    double expected(LaunchWork work) {
        double arithmetic =
                work.doneFlops() == 0
                        ? 0
                        : work.doneFlops()
                                / flops.get(work.arithmetic())
                                / reached.get(work.kind());
        double memory = work.bytes() / bandwidth / reachedBandwidth;
        return Math.max(leastSeconds, Math.max(arithmetic, memory));
    }
}
