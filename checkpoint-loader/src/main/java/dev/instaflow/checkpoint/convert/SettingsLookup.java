package dev.instaflow.checkpoint.convert;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.diffusers.DiffusersFolder;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.CardFile;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.JsonFile;
import dev.instaflow.checkpoint.layout.ModelPart;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Finds the settings that tensors do not tell: in the input's own configuration, in the card beside
 * it, or else those of Stable Diffusion 1.x, which is noted, and refused where they cannot be right.
 */
final class SettingsLookup {
    private static final int SD_HEADS = 8;
    private static final int CLIP_HEAD_WIDTH = 64;
    private static final int SD_GROUPS = 32;
    private static final double SD_LATENT_SCALE = 0.18215;

    private final CompVisView view;
    private final ArchitectureShapes shapes;
    private final List<String> notes;
    private final Optional<JsonNode> card;

    private SettingsLookup(
            CompVisView view,
            ArchitectureShapes shapes,
            List<String> notes,
            Optional<JsonNode> card) {
        this.view = view;
        this.shapes = shapes;
        this.notes = notes;
        this.card = card;
    }

    static NetworkSettings find(CompVisView view, ArchitectureShapes shapes, List<String> notes)
            throws IOException {
        Optional<JsonNode> card = CardFile.beside(view.path()).map(CardFile::root);
        return new SettingsLookup(view, shapes, notes, card).settings();
    }

    private NetworkSettings settings() throws IOException {
        int[] unetChannels =
                shapes.unet()
                        .map(s -> IntStream.range(0, s.channelMult().size()).map(s::channels))
                        .orElse(IntStream.empty())
                        .toArray();
        int[] vaeChannels =
                shapes.vae()
                        .map(s -> IntStream.range(0, s.chMult().size()).map(s::channels))
                        .orElse(IntStream.empty())
                        .toArray();
        int width = shapes.text().map(s -> s.width()).orElse(CLIP_HEAD_WIDTH);
        int textHeads =
                find(ModelPart.TEXT, "num_attention_heads", "text/heads")
                        .map(JsonNode::asInt)
                        .orElseGet(() -> width / CLIP_HEAD_WIDTH);
        if (textHeads < 1 || width % textHeads != 0) {
            throw unknown("heads of the text encoder", width + " channels");
        }
        return new NetworkSettings(
                divisor(
                        find(ModelPart.UNET, "attention_head_dim", "unet/num_heads"),
                        SD_HEADS,
                        "heads of the U-Net",
                        unetChannels),
                textHeads,
                divisor(
                        find(ModelPart.UNET, "norm_num_groups", "unet/norm_groups"),
                        SD_GROUPS,
                        "normalisation groups of the U-Net",
                        unetChannels),
                divisor(
                        find(ModelPart.VAE, "norm_num_groups", "vae/norm_groups"),
                        SD_GROUPS,
                        "normalisation groups of the VAE",
                        vaeChannels),
                latentScale());
    }

    private double latentScale() throws IOException {
        Optional<JsonNode> own = find(ModelPart.VAE, "scaling_factor", "latentScale");
        Optional<JsonNode> older = card.map(root -> root.path("scale_factor"));
        return own.or(() -> older.filter(JsonNode::isNumber))
                .map(JsonNode::asDouble)
                .orElse(SD_LATENT_SCALE);
    }

    private int divisor(Optional<JsonNode> found, int usual, String what, int[] channels)
            throws CheckpointFormatException {
        int number = found.map(JsonNode::asInt).orElse(usual);
        for (int c : channels) {
            if (number < 1 || c % number != 0) {
                throw unknown(what, c + " channels");
            }
        }
        if (found.isEmpty() && channels.length > 0) {
            notes.add("%s: %d, as in Stable Diffusion 1.x".formatted(what, usual));
        }
        return number;
    }

    private CheckpointFormatException unknown(String what, String sizes) {
        return new CheckpointFormatException(
                "%s: the %s are not in the tensors, and those of Stable Diffusion do not fit its %s; put a card.json with its \"config\" beside it"
                        .formatted(view.path(), what, sizes));
    }

    /** A number from the input's configuration of a part, or from the card. */
    private Optional<JsonNode> find(ModelPart part, String configKey, String cardPath)
            throws IOException {
        List<JsonNode> candidates = new ArrayList<>();
        if (view.source() instanceof DiffusersFolder folder) {
            Optional<Path> config = folder.config(part);
            if (config.isPresent()) {
                candidates.add(JsonFile.readObject(config.get()).path(configKey));
            }
        }
        if (card.isPresent()) {
            String pointer = "/" + cardPath;
            candidates.add(card.get().at("/config" + pointer));
            candidates.add(card.get().at(pointer));
        }
        return candidates.stream().filter(JsonNode::isNumber).findFirst();
    }
}
