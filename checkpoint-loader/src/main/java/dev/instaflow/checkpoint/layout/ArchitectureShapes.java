package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The sizes of a model, read off the shapes of its tensors, part by part. What shapes cannot tell
 * (heads, normalisation groups, latent scale) is not here. A part is empty where the file does not
 * have it, or lacks the tensors that decide its sizes.
 *
 * @param unet the U-Net
 * @param vae the autoencoder
 * @param text the text encoder
 */
public record ArchitectureShapes(
        Optional<UNetShape> unet, Optional<VaeShape> vae, Optional<TextShape> text) {
    /**
     * Derives the sizes of a model.
     *
     * @param compVis a checkpoint with CompVis names, such as a {@link CompVisView}
     * @return the sizes of the parts that it holds
     */
    public static ArchitectureShapes of(Checkpoint compVis) {
        return new ArchitectureShapes(
                UNetShape.derive(part(compVis, ModelPart.UNET)),
                VaeShape.derive(part(compVis, ModelPart.VAE)),
                TextShape.derive(part(compVis, ModelPart.TEXT)));
    }

    /**
     * The sizes of Stable Diffusion 1.x and InstaFlow.
     *
     * @return all three parts; 1,066,235,307 parameters
     */
    public static ArchitectureShapes sd15() {
        return new ArchitectureShapes(
                Optional.of(UNetShape.sd15()),
                Optional.of(VaeShape.sd15()),
                Optional.of(TextShape.sd15()));
    }

    /**
     * Every tensor that a model of these sizes has.
     *
     * @return CompVis names, U-Net first, then VAE, then text encoder
     */
    public List<TensorSpec> tensors() {
        List<TensorSpec> all = new ArrayList<>();
        unet.ifPresent(shape -> all.addAll(shape.tensors()));
        vae.ifPresent(shape -> all.addAll(shape.tensors()));
        text.ifPresent(shape -> all.addAll(shape.tensors()));
        return all;
    }

    private static PartTensors part(Checkpoint compVis, ModelPart part) {
        TreeMap<String, List<Long>> shapes = new TreeMap<>();
        for (Entry entry : compVis.entries()) {
            if (entry.name().startsWith(part.compVisPrefix())) {
                shapes.put(entry.name().substring(part.compVisPrefix().length()), entry.shape());
            }
        }
        return new PartTensors(shapes);
    }
}
