package dev.instaflow.vae;

import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.nn.Layer;
import dev.instaflow.nn.Sequential;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The blocks of encoder or decoder, one after the other, by the names that monitors see. */
final class VaeChain {
    private final Map<String, Layer> blocks = new LinkedHashMap<>();
    private final Ops.Program whole =
            (ops, inputs) -> oneByOne(ops, inputs.get(0), BlockMonitor.NONE);

    void add(String name, Layer block) {
        blocks.put(name, block);
    }

    /** Adds the blocks of another chain. */
    void addAll(VaeChain other) {
        blocks.putAll(other.blocks);
    }

    List<String> names() {
        return List.copyOf(blocks.keySet());
    }

    /**
     * Runs the blocks.
     *
     * @param x the input of the first
     * @param monitor told after each
     * @return the last output, owned by the scope of {@code ops}
     */
    Tensor run(Ops ops, Tensor x, BlockMonitor monitor) {
        return ops.replays() && !monitor.watchesAll()
                ? monitor.replay(ops, whole, List.of(x), names())
                : oneByOne(ops, x, monitor);
    }

    private Tensor oneByOne(Ops ops, Tensor x, BlockMonitor monitor) {
        List<Layer> watched = new ArrayList<>();
        blocks.forEach((name, block) -> watched.add(monitor.watch(name, block)));
        return Sequential.run(ops, x, watched);
    }
}
