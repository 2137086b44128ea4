package dev.instaflow.unet;

import dev.instaflow.nn.Attention;
import dev.instaflow.nn.GroupNorm;
import dev.instaflow.nn.Layer;
import dev.instaflow.nn.Linear;
import dev.instaflow.nn.Sequential;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Transformer blocks over the pixels as tokens: {@code x + out(blocks(in(norm(x))))}. */
final class SpatialTransformer implements StepLayer {
    /** CompVis' Normalize; ten times smaller than that of the residual blocks. */
    static final float EPS = 1e-6f;

    final GroupNorm norm;
    final Linear in;
    final List<TransformerBlock> blocks;
    final Linear out;

    private SpatialTransformer(
            GroupNorm norm, Linear in, List<TransformerBlock> blocks, Linear out) {
        this.norm = norm;
        this.in = in;
        this.blocks = blocks;
        this.out = out;
    }

    static SpatialTransformer load(Weights weights, UNetConfig config, int channels) {
        GroupNormSpec spec = new GroupNormSpec(config.normGroups(), EPS, Activation.IDENTITY);
        GroupNorm norm = GroupNorm.load(weights.under("norm"), spec, channels);
        Linear in = Linear.loadPointwise(weights.under("proj_in"), channels, channels);
        List<TransformerBlock> blocks = new ArrayList<>();
        for (int i = 0; i < config.transformerDepth(); i++) {
            blocks.add(
                    TransformerBlock.load(
                            weights.under("transformer_blocks." + i), config, channels));
        }
        Linear out = Linear.loadPointwise(weights.under("proj_out"), channels, channels);
        return new SpatialTransformer(norm, in, List.copyOf(blocks), out);
    }

    /** The layers that attend to the text. */
    Stream<Attention> crossAttentions() {
        return blocks.stream().map(block -> block.cross);
    }

    /**
     * Applies the transformer.
     *
     * @param x [N,H,W,C]
     * @return [N,H,W,C], owned by the scope of {@code ops}
     */
    @Override
    public Tensor forward(Ops ops, Tensor x, Step step) {
        Shape image = x.shape();
        Shape tokens =
                Shape.of(
                        image.size(0),
                        Math.multiplyExact(image.size(1), image.size(2)),
                        image.size(3));
        List<Layer> layers = new ArrayList<>();
        layers.add(norm::forward);
        layers.add((inner, h) -> inner.view(in.forward(inner, h), tokens)); // [N,T,C]
        blocks.forEach(block -> layers.add((inner, h) -> block.forward(inner, h, step.context())));
        layers.add((inner, h) -> out.forwardAdd(inner, inner.view(h, image), x)); // [N,H,W,C]
        return Sequential.run(ops, x, layers);
    }
}
