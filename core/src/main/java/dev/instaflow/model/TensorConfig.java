package dev.instaflow.model;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.TextShape;
import dev.instaflow.checkpoint.layout.UNetShape;
import dev.instaflow.checkpoint.layout.VaeShape;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Sizes from the shapes of the tensors, and the usual values of what shapes do not tell. */
final class TensorConfig {
    /** Of every norm in the Stable Diffusion family. */
    static final int USUAL_GROUPS = 32;

    private static final int SD_CHANNELS = 320;
    private static final int SD_TEXT_WIDTH = 768;
    private static final int SD_HEADS = 8;
    private static final int SD_TEXT_HEADS = 12;
    private static final int SD_LATENT_SIZE = 64;

    private TensorConfig() {}

    static ModelConfig read(Checkpoint compVis) throws CheckpointFormatException {
        ArchitectureShapes shapes = ArchitectureShapes.of(compVis);
        int channels = require(compVis, ModelPart.UNET, shapes.unet()).modelChannels();
        int width = require(compVis, ModelPart.TEXT, shapes.text()).width();
        if (channels != SD_CHANNELS || width != SD_TEXT_WIDTH) {
            throw new CheckpointFormatException(
                    ("%s: a UNet of %d channels and texts of %d, not Stable Diffusion 1.x's %d and %d:"
                                    + " the tensors do not tell the number of attention heads; put"
                                    + " the configuration (.yaml) or card (.json) beside the file")
                            .formatted(
                                    compVis.path(), channels, width, SD_CHANNELS, SD_TEXT_WIDTH));
        }
        return read(compVis, SD_HEADS, SD_TEXT_HEADS);
    }

    static ModelConfig read(Checkpoint compVis, int heads, int textHeads)
            throws CheckpointFormatException {
        ArchitectureShapes shapes = ArchitectureShapes.of(compVis);
        UNetShape unet = require(compVis, ModelPart.UNET, shapes.unet());
        VaeShape vae = require(compVis, ModelPart.VAE, shapes.vae());
        TextShape text = require(compVis, ModelPart.TEXT, shapes.text());
        try {
            return new ModelConfig(unet(unet, heads), vae(vae), text(text, textHeads));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new CheckpointFormatException(
                    compVis.path() + ": sizes from the tensors: " + e.getMessage(), e);
        }
    }

    private static <T> T require(Checkpoint compVis, ModelPart part, Optional<T> shape)
            throws CheckpointFormatException {
        return shape.orElseThrow(
                () ->
                        new CheckpointFormatException(
                                "%s: the tensors %s* do not tell the sizes of the %s; put its configuration (.yaml or .json) beside the file"
                                        .formatted(
                                                compVis.path(),
                                                part.compVisPrefix(),
                                                part.folder())));
    }

    private static UNetConfig unet(UNetShape shape, int heads) {
        Set<Integer> attention =
                shape.attentionLevels().stream()
                        .map(level -> 1 << level)
                        .collect(Collectors.toSet());
        return new UNetConfig(
                shape.inChannels(),
                shape.outChannels(),
                shape.modelChannels(),
                shape.channelMult(),
                shape.numResBlocks(),
                attention,
                heads,
                shape.transformerDepth(),
                shape.contextDim(),
                USUAL_GROUPS,
                SD_LATENT_SIZE);
    }

    private static VaeConfig vae(VaeShape shape) {
        return new VaeConfig(
                shape.ch(),
                shape.chMult(),
                shape.numResBlocks(),
                shape.zChannels(),
                shape.embedDim(),
                shape.inChannels(),
                shape.outChannels(),
                USUAL_GROUPS,
                SD_LATENT_SIZE);
    }

    private static ClipTextConfig text(TextShape shape, int heads) {
        return new ClipTextConfig(
                shape.vocab(),
                shape.width(),
                shape.layers(),
                heads,
                shape.intermediate(),
                shape.maxLength(),
                ClipTextConfig.EPS);
    }
}
