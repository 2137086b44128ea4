package dev.instaflow.checkpoint.layout;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The names of one model in both namings: CompVis ({@code model.diffusion_model.*}, {@code
 * first_stage_model.*}, {@code cond_stage_model.transformer.text_model.*}) and diffusers ({@code
 * unet.*}, {@code vae.*}, {@code text_encoder.*}). Block numbers are worked out from all names of
 * the model, so any number of levels and residual blocks is mapped, and the order of the names does
 * not matter. The mapping is that of diffusers' {@code convert_from_ckpt.py}. Immutable.
 */
public final class KeyMap {
    private final Map<String, String> toDiffusers;
    private final Map<String, String> toCompVis;

    private KeyMap(Map<String, String> toDiffusers, Map<String, String> toCompVis) {
        this.toDiffusers = toDiffusers;
        this.toCompVis = toCompVis;
    }

    /**
     * The map of a model whose CompVis names are known.
     *
     * @param names all names of the model, in any order; those of no part are left unmapped
     * @return the map; VAE attention gets its present names ({@code to_q}, …)
     */
    public static KeyMap fromCompVis(Collection<String> names) {
        Map<String, String> forth = new LinkedHashMap<>();
        byPart(names, Naming.COMPVIS)
                .forEach(
                        (part, bare) -> {
                            PartNames map = PartNames.fromCompVis(part, bare);
                            for (String name : bare) {
                                map.toDiffusers(name)
                                        .ifPresent(
                                                to ->
                                                        forth.put(
                                                                part.compVisPrefix() + name,
                                                                part.diffusersPrefix() + to));
                            }
                        });
        return new KeyMap(forth, PartNames.inverse(forth));
    }

    /**
     * The map of a model whose diffusers names are known.
     *
     * @param names all names of the model with their {@code unet.}, {@code vae.}, {@code
     *     text_encoder.}, in any order; those of no part are left unmapped
     * @return the map; VAE attention may have either naming ({@code to_q}, … or {@code query}, …)
     */
    public static KeyMap fromDiffusers(Collection<String> names) {
        Map<String, String> back = new LinkedHashMap<>();
        byPart(names, Naming.DIFFUSERS)
                .forEach(
                        (part, bare) -> {
                            PartNames map = PartNames.fromDiffusers(part, bare);
                            for (String name : bare) {
                                map.toCompVis(name)
                                        .ifPresent(
                                                to ->
                                                        back.put(
                                                                part.diffusersPrefix() + name,
                                                                part.compVisPrefix() + to));
                            }
                        });
        return new KeyMap(PartNames.inverse(back), back);
    }

    /**
     * The diffusers name of a tensor.
     *
     * @param compVis a CompVis name
     * @return empty if the model has no such tensor, or diffusers no place for it
     */
    public Optional<String> toDiffusers(String compVis) {
        return Optional.ofNullable(toDiffusers.get(compVis));
    }

    /**
     * The CompVis name of a tensor.
     *
     * @param diffusers a diffusers name with its part's prefix
     * @return empty if the model has no such tensor, or CompVis no place for it
     */
    public Optional<String> toCompVis(String diffusers) {
        return Optional.ofNullable(toCompVis.get(diffusers));
    }

    /**
     * The number of tensors that have both names.
     *
     * @return at least 0
     */
    public int size() {
        return toDiffusers.size();
    }

    /**
     * The shape that CompVis gives a tensor. Its VAE attends by 1x1 convolutions, diffusers' by
     * linear layers of the same values: [O,I] becomes [O,I,1,1] for those weights.
     *
     * @param compVis the tensor's CompVis name
     * @param shape its shape in either naming
     * @return the same number of elements in the same order
     */
    public static List<Long> compVisShape(String compVis, List<Long> shape) {
        return isVaeAttentionWeight(compVis) && shape.size() == 2
                ? List.of(shape.get(0), shape.get(1), 1L, 1L)
                : shape;
    }

    /**
     * The shape that diffusers gives a tensor: the inverse of {@link #compVisShape}.
     *
     * @param compVis the tensor's CompVis name
     * @param shape its shape in either naming
     * @return the same number of elements in the same order
     */
    public static List<Long> diffusersShape(String compVis, List<Long> shape) {
        boolean pointwise = shape.size() == 4 && shape.get(2) == 1 && shape.get(3) == 1;
        return isVaeAttentionWeight(compVis) && pointwise ? shape.subList(0, 2) : shape;
    }

    private static boolean isVaeAttentionWeight(String compVis) {
        return compVis.startsWith(ModelPart.VAE.compVisPrefix())
                && compVis.contains(".attn_1.")
                && compVis.endsWith(".weight")
                && !compVis.endsWith(".norm.weight");
    }

    private enum Naming {
        COMPVIS,
        DIFFUSERS
    }

    /** Names without their prefixes, by part. */
    private static Map<ModelPart, List<String>> byPart(Collection<String> names, Naming naming) {
        Map<ModelPart, List<String>> bare = new EnumMap<>(ModelPart.class);
        for (String name : names) {
            for (ModelPart part : ModelPart.values()) {
                String prefix =
                        naming == Naming.COMPVIS ? part.compVisPrefix() : part.diffusersPrefix();
                if (name.startsWith(prefix)) {
                    bare.computeIfAbsent(part, p -> new ArrayList<>())
                            .add(name.substring(prefix.length()));
                }
            }
        }
        return bare;
    }
}
