package dev.instaflow.checkpoint.layout;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The sizes of a CLIP text encoder that its tensors' shapes tell. The number of attention heads is
 * not among them: it comes from a configuration, or is a head for each 64 channels.
 *
 * @param vocab tokens of the vocabulary
 * @param maxLength positions: 77 for CLIP
 * @param width channels of a token
 * @param layers transformer layers
 * @param intermediate channels inside a layer's MLP
 */
public record TextShape(int vocab, int maxLength, int width, int layers, int intermediate) {
    /**
     * The text encoder of Stable Diffusion 1.x and InstaFlow: CLIP ViT-L/14.
     *
     * @return 196 tensors (and the buffer {@code position_ids} in files), 123,060,480 parameters
     */
    public static TextShape sd15() {
        return new TextShape(49408, 77, 768, 12, 3072);
    }

    /**
     * Every tensor that a text encoder of these sizes has, without {@code position_ids}, which is
     * no parameter and is missing from newer files.
     *
     * @return CompVis names, in the order of transformers' state_dict
     */
    public List<TensorSpec> tensors() {
        SpecList list = new SpecList(ModelPart.TEXT.compVisPrefix() + "text_model.");
        list.weight("embeddings.token_embedding", vocab, width);
        list.weight("embeddings.position_embedding", maxLength, width);
        for (int i = 0; i < layers; i++) {
            String layer = "encoder.layers." + i;
            for (String projection : List.of("k_proj", "v_proj", "q_proj", "out_proj")) {
                list.layer(layer + ".self_attn." + projection, width, width);
            }
            list.layer(layer + ".layer_norm1", width);
            list.layer(layer + ".mlp.fc1", intermediate, width);
            list.layer(layer + ".mlp.fc2", width, intermediate);
            list.layer(layer + ".layer_norm2", width);
        }
        list.layer("final_layer_norm", width);
        return list.list();
    }

    /** Reads the sizes off bare CompVis names; empty where the decisive ones are missing. */
    static Optional<TextShape> derive(PartTensors text) {
        OptionalInt vocab = text.size("text_model.embeddings.token_embedding.weight", 0);
        OptionalInt width = text.size("text_model.embeddings.token_embedding.weight", 1);
        OptionalInt length = text.size("text_model.embeddings.position_embedding.weight", 0);
        OptionalInt inner = text.size("text_model.encoder.layers.0.mlp.fc1.weight", 0);
        if (vocab.isEmpty() || width.isEmpty() || length.isEmpty() || inner.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new TextShape(
                        vocab.getAsInt(),
                        length.getAsInt(),
                        width.getAsInt(),
                        text.run("text_model.encoder.layers."),
                        inner.getAsInt()));
    }
}
