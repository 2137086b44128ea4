package dev.instaflow.pipeline;

import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.concurrent.CancellationException;

/**
 * Turns the blocks of the networks into progress, and stops when asked to. One for each run; its parts may
 * run on several threads, the listener hears of all of them on the thread that made this object.
 */
final class ProgressMonitor {
    private final RunControl control;
    private final Thread listening = Thread.currentThread();
    private Progress.Stage stage = Progress.Stage.TEXT;
    private String block = "";
    private double fraction;
    private double told;

    ProgressMonitor(RunControl control) {
        this.control = control;
    }

    /** A new stage begins. */
    synchronized void enter(Progress.Stage next) {
        stage = next;
        fraction = 0;
        told = 0;
    }

    /** All parts of a stage are done; tells what others have done since the listener's thread was. */
    synchronized void leave() {
        if (told < fraction) {
            tell();
        }
    }

    private void tell() {
        told = fraction;
        control.listener().on(new Progress(stage, block, fraction));
    }

    private synchronized void add(double share) {
        fraction = Math.min(1, fraction + share);
    }

    private synchronized void add(double share, String done) {
        add(share);
        block = done;
        if (Thread.currentThread() == listening) {
            tell();
        }
    }

    /** A part of a stage, on one thread: networks that run one after the other. */
    final class Part implements BlockMonitor {
        private double done;
        private double end;
        private double perBlock;

        /**
         * A network is about to run.
         *
         * @param begun share of the stage that this part has done before
         * @param width share of the stage that this network takes
         * @param blocks that it reports
         */
        void expect(double begun, double width, int blocks) {
            add(Math.max(0, begun - done));
            done = Math.max(done, begun);
            end = begun + width;
            perBlock = width / blocks;
        }

        @Override
        public void after(String name, Ops ops, Tensor output) {
            if (control.cancel().isCancelled()) {
                throw new CancellationException("cancelled after " + name);
            }
            add(share(1), name);
        }

        @Override
        public boolean watchesAll() {
            return false;
        }

        @Override
        public void passed(int blocks) {
            add(share(blocks));
        }

        private double share(int blocks) {
            double share = Math.max(0, Math.min(blocks * perBlock, end - done));
            done += share;
            return share;
        }
    }
}
