package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.List;
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
    BlockMonitor NONE =
            new BlockMonitor() {
                @Override
                public void after(String block, Ops ops, Tensor output) {}

                @Override
                public boolean watchesAll() {
                    return false;
                }
            };

    /**
     * A block is done.
     *
     * @param block its name, such as {@code unet.input_blocks.4} or {@code vae.decoder.up.3.block.0}
     * @param ops may be used to look at the output
     * @param output of the block; dies after this call unless escaped
     */
    void after(String block, Ops ops, Tensor output);

    /**
     * Whether it has to be told of every block. If not, it is told of the last one alone where a backend plays a whole
     * network back.
     *
     * @return true, unless a monitor says otherwise
     */
    default boolean watchesAll() {
        return true;
    }

    /**
     * Blocks have been done of which it was not told, since it does not watch all.
     *
     * @param blocks how many, just before one that it is told of
     */
    default void passed(int blocks) {}

    /**
     * Stops a computation when asked to.
     *
     * @param cancelled asked after each block that it is told of
     * @return a monitor that throws {@link CancellationException}, naming the block, once it is true
     */
    static BlockMonitor cancelWhen(BooleanSupplier cancelled) {
        return new BlockMonitor() {
            @Override
            public void after(String block, Ops ops, Tensor output) {
                if (cancelled.getAsBoolean()) {
                    throw new CancellationException("cancelled after " + block);
                }
            }

            @Override
            public boolean watchesAll() {
                return false;
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
        BlockMonitor first = this;
        return new BlockMonitor() {
            @Override
            public void after(String block, Ops ops, Tensor output) {
                first.after(block, ops, output);
                next.after(block, ops, output);
            }

            @Override
            public boolean watchesAll() {
                return first.watchesAll() || next.watchesAll();
            }

            @Override
            public void passed(int blocks) {
                first.passed(blocks);
                next.passed(blocks);
            }
        };
    }

    /**
     * Runs a network as one program and tells of its end.
     *
     * @param ops what to compute with
     * @param program the network
     * @param inputs of the program
     * @param blocks names of the network's blocks in order, at least one
     * @return the result, owned by the scope of {@code ops}
     */
    default Tensor replay(Ops ops, Ops.Program program, List<Tensor> inputs, List<String> blocks) {
        Tensor y = ops.replay(program, inputs);
        passed(blocks.size() - 1);
        after(blocks.get(blocks.size() - 1), ops, y);
        return y;
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
