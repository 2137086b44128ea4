package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * Told after each block of a model, on the thread that computes: for progress, cancellation and
 * checks. Whatever it throws ends the computation and leaves it through the scopes, which free
 * everything, so the model can be used again at once. The models tell their block names beforehand.
 */
@FunctionalInterface
public interface BlockMonitor {
    /** Does nothing. */
    BlockMonitor NONE = (block, ops, output) -> {};

    /**
     * A block is done.
     *
     * @param block its name, such as {@code unet.input_blocks.4} or {@code vae.decoder.up.3.block.0}
     * @param ops may be used to look at the output
     * @param output of the block; dies after this call unless escaped
     */
    void after(String block, Ops ops, Tensor output);

    /**
     * Stops a computation when asked to.
     *
     * @param cancelled asked after each block
     * @return a monitor that throws {@link CancellationException}, naming the block, once it is true
     */
    static BlockMonitor cancelWhen(BooleanSupplier cancelled) {
        return (block, ops, output) -> {
            if (cancelled.getAsBoolean()) {
                throw new CancellationException("cancelled after " + block);
            }
        };
    }

    /**
     * Two monitors as one.
     *
     * @param next told after this one
     * @return a monitor that tells both
     */
    default BlockMonitor andThen(BlockMonitor next) {
        return (block, ops, output) -> {
            after(block, ops, output);
            next.after(block, ops, output);
        };
    }

    /**
     * A layer that reports to this monitor.
     *
     * @param block the name to report
     * @param layer does the work
     * @return the same layer, watched
     */
    default Layer watch(String block, Layer layer) {
        return (ops, x) -> {
            Tensor y = layer.forward(ops, x);
            after(block, ops, y);
            return y;
        };
    }
}
