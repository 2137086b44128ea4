package dev.instaflow.unet;

import dev.instaflow.nn.Attention;
import dev.instaflow.nn.Conv2d;
import dev.instaflow.nn.Layer;
import dev.instaflow.nn.Sequential;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One of CompVis' {@code input_blocks}, {@code output_blocks} or the {@code middle_block}: its layers,
 * and for some output blocks an upsampling after them.
 *
 * @param name as messages and monitors have it
 * @param layers applied in order
 * @param upsample the convolution after the upsampling
 */
record UNetBlock(String name, List<StepLayer> layers, Optional<Conv2d> upsample) {
    UNetBlock {
        layers = List.copyOf(layers);
    }

    /**
     * Applies an input block or the middle.
     *
     * @param x [N,H,W,Ci]
     * @return [N,H',W',Co], owned by the scope of {@code ops}
     */
    Tensor forward(Ops ops, Tensor x, Step step) {
        return ops.block(inner -> Sequential.run(inner, x, chain(step)));
    }

    /**
     * Applies an output block.
     *
     * @param x [N,H,W,C1] from the block before
     * @param skip [N,H,W,C2] from the way down
     * @param like the next skip, whose rows and columns an upsampling ends at: twice H and W, or one
     *     less where the way down has rounded up
     * @return [N,H',W',Co], owned by the scope of {@code ops}
     */
    Tensor forward(Ops ops, Tensor x, Tensor skip, Tensor like, Step step) {
        List<Layer> chain = chain(step);
        chain.add(0, (inner, h) -> inner.concatChannels(h, skip)); // [N,H,W,C1+C2]
        Shape target = like.shape();
        upsample.ifPresent(
                conv -> {
                    chain.add(
                            (inner, h) -> inner.upsampleNearest(h, target.size(1), target.size(2)));
                    chain.add(conv::forward); // [N,H',W',Co]
                });
        return ops.block(inner -> Sequential.run(inner, x, chain));
    }

    private List<Layer> chain(Step step) {
        List<Layer> chain = new ArrayList<>();
        layers.forEach(layer -> chain.add((inner, h) -> layer.forward(inner, h, step)));
        return chain;
    }

    /** The layers that attend to the text. */
    Stream<Attention> crossAttentions() {
        return layers.stream()
                .filter(SpatialTransformer.class::isInstance)
                .map(SpatialTransformer.class::cast)
                .flatMap(SpatialTransformer::crossAttentions);
    }
}
