package dev.instaflow.pipeline;

import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.concurrent.CancellationException;

/** Turns the blocks of the networks into progress, and stops when asked to. One for each run. */
final class ProgressMonitor implements BlockMonitor {
    private final RunControl control;
    private Progress.Stage stage = Progress.Stage.TEXT;
    private double share = 1;
    private double from;
    private double perBlock;
    private double fraction;

    ProgressMonitor(RunControl control) {
        this.control = control;
    }

    /** A new stage begins. */
    void enter(Progress.Stage next) {
        if (control.cancel().isCancelled()) {
            throw new CancellationException("cancelled before " + next);
        }
        if (stage != next) {
            stage = next;
            fraction = 0;
        }
    }

    /**
     * A network is about to run.
     *
     * @param begun share of the stage that is done
     * @param width share of the stage that this network takes
     * @param blocks that it reports
     */
    void expect(double begun, double width, int blocks) {
        from = begun;
        share = width;
        perBlock = width / blocks;
    }

    @Override
    public void after(String block, Ops ops, Tensor output) {
        if (control.cancel().isCancelled()) {
            throw new CancellationException("cancelled after " + block);
        }
        double end = from + share;
        from = Math.min(end, from + perBlock);
        share = end - from;
        fraction = Math.min(1, Math.max(fraction, from));
        control.listener().on(new Progress(stage, block, fraction));
    }
}
