package dev.instaflow.checkpoint.layout;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Where the tensors of a part are in a file: behind which prefix, in which naming. Files hold the
 * whole model ({@code model.diffusion_model.…}), one part without a prefix ({@code
 * input_blocks.…}), or either behind one of their own ({@code module.…}, {@code unet.…}). A part is
 * known by tensors that no other network has; a prefix of our own naming needs no such sign.
 *
 * @param part which network
 * @param prefix what its names begin with in the file, empty or with its dot
 * @param naming of what follows the prefix
 */
record PartRoot(ModelPart part, String prefix, Naming naming) {
    /** Who named the blocks. */
    enum Naming {
        /** {@code input_blocks.1.0.in_layers.0}. */
        COMPVIS,
        /** {@code down_blocks.0.resnets.0.norm1}. */
        DIFFUSERS,
        /** A text encoder saved without {@code text_model.}, as some converters do. */
        TEXT_WITHOUT_MODEL
    }

    private record Sign(Naming naming, String name) {}

    /** A ControlNet copies the contracting half of a U-Net, so the signs are of the other half. */
    private static final Map<ModelPart, List<Sign>> SIGNS =
            Map.of(
                    ModelPart.UNET,
                    List.of(
                            new Sign(Naming.COMPVIS, "output_blocks.0.0.emb_layers.1.weight"),
                            new Sign(
                                    Naming.DIFFUSERS,
                                    "up_blocks.0.resnets.0.time_emb_proj.weight")),
                    ModelPart.VAE,
                    List.of(
                            new Sign(Naming.COMPVIS, "decoder.up.0.block.0.conv1.weight"),
                            new Sign(Naming.COMPVIS, "encoder.down.0.block.0.conv1.weight"),
                            new Sign(
                                    Naming.DIFFUSERS, "decoder.up_blocks.0.resnets.0.conv1.weight"),
                            new Sign(
                                    Naming.DIFFUSERS,
                                    "encoder.down_blocks.0.resnets.0.conv1.weight")),
                    ModelPart.TEXT,
                    List.of(
                            new Sign(
                                    Naming.COMPVIS, "text_model.embeddings.token_embedding.weight"),
                            new Sign(
                                    Naming.TEXT_WITHOUT_MODEL,
                                    "embeddings.token_embedding.weight")));

    /** The parts that a file's names show, at most one root each, longest prefix first. */
    static List<PartRoot> find(Collection<String> names) {
        List<PartRoot> roots = new ArrayList<>();
        for (ModelPart part : ModelPart.values()) {
            find(part, names).ifPresent(roots::add);
        }
        roots.sort((a, b) -> b.prefix().length() - a.prefix().length());
        return roots;
    }

    private static Optional<PartRoot> find(ModelPart part, Collection<String> names) {
        String canonical =
                part == ModelPart.TEXT
                        ? part.compVisPrefix() + "text_model."
                        : part.compVisPrefix();
        if (names.stream().anyMatch(name -> name.startsWith(canonical))) {
            return Optional.of(new PartRoot(part, part.compVisPrefix(), Naming.COMPVIS));
        }
        for (Sign sign : SIGNS.get(part)) {
            TreeSet<String> prefixes = new TreeSet<>();
            for (String name : names) {
                if (name.equals(sign.name()) || name.endsWith("." + sign.name())) {
                    prefixes.add(name.substring(0, name.length() - sign.name().length()));
                }
            }
            if (!prefixes.isEmpty()) {
                String usual = part.diffusersPrefix();
                String prefix = prefixes.contains(usual) ? usual : prefixes.first();
                return Optional.of(new PartRoot(part, prefix, sign.naming()));
            }
        }
        return Optional.empty();
    }

    /** What stands before the canonical prefix: {@code module.} of {@code module.first_stage_…}. */
    String outerPrefix() {
        return naming == Naming.COMPVIS && prefix.endsWith(part.compVisPrefix())
                ? prefix.substring(0, prefix.length() - part.compVisPrefix().length())
                : "";
    }

    /** The CompVis names of those of the root's names that the part's architecture has. */
    PartNames names(Collection<String> bare) {
        return naming == Naming.DIFFUSERS
                ? PartNames.fromDiffusers(part, bare)
                : PartNames.fromCompVis(part, bare);
    }

    /** The full CompVis name of a name behind the prefix; empty if it is not one of this part. */
    Optional<String> compVis(PartNames names, String bare) {
        Optional<String> known =
                switch (naming) {
                    case DIFFUSERS -> names.toCompVis(bare);
                    case TEXT_WITHOUT_MODEL -> names.toDiffusers("text_model." + bare);
                    // Behind a prefix every name is the part's, so that a strange one is reported.
                    case COMPVIS ->
                            prefix.isEmpty()
                                    ? names.toDiffusers(bare).map(there -> bare)
                                    : Optional.of(bare);
                };
        return known.map(name -> part.compVisPrefix() + name);
    }
}
