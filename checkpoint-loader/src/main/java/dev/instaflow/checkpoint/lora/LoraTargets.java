package dev.instaflow.checkpoint.lora;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.KeyMap;
import dev.instaflow.checkpoint.layout.ModelPart;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The weights of a model that a LoRA may change: matrices and kernels of the UNet and the text encoder (not
 * its tables), by all names that files have for them. Immutable.
 */
public final class LoraTargets {
    private static final String WEIGHT = ".weight";
    private static final String KOHYA = "lora_";
    private static final String KOHYA_TEXT = "te_";
    private static final String PEFT = "base_model.model.";
    private static final String UNET = "unet_";
    private static final String TEXT = "text_encoder_";

    private final Map<String, List<Long>> shapes;
    private final KeyMap names;
    private final Map<String, String> byFlatName;

    private LoraTargets(
            Map<String, List<Long>> shapes, KeyMap names, Map<String, String> byFlatName) {
        this.shapes = shapes;
        this.names = names;
        this.byFlatName = byFlatName;
    }

    /**
     * The targets in a model.
     *
     * @param compVis has CompVis names
     * @return its matrices and kernels, in file order
     */
    public static LoraTargets of(Checkpoint compVis) {
        Map<String, List<Long>> shapes = new LinkedHashMap<>();
        List<String> all = new ArrayList<>();
        for (Entry entry : compVis.entries()) {
            all.add(entry.name());
            if (isTarget(entry)) {
                shapes.put(entry.name(), entry.shape());
            }
        }
        KeyMap names = KeyMap.fromCompVis(all);
        Map<String, String> flat = new LinkedHashMap<>();
        for (String weight : shapes.keySet()) {
            names.toDiffusers(weight).ifPresent(name -> flat.put(flat(module(name)), weight));
            // LyCORIS and trainers of CompVis' own code keep its block names.
            flat.putIfAbsent(flat(module(UNET + withoutPart(weight))), weight);
        }
        return new LoraTargets(Collections.unmodifiableMap(shapes), names, flat);
    }

    private static boolean isTarget(Entry entry) {
        boolean matrix = entry.shape().size() == 2 || entry.shape().size() == 4;
        boolean part =
                entry.name().startsWith(ModelPart.UNET.compVisPrefix())
                        || entry.name().startsWith(ModelPart.TEXT.compVisPrefix());
        boolean table = entry.name().contains(".embeddings.");
        return part && matrix && !table && entry.name().endsWith(WEIGHT) && entry.dtype().isFloat();
    }

    private static String withoutPart(String compVis) {
        String prefix = ModelPart.UNET.compVisPrefix();
        return compVis.startsWith(prefix) ? compVis.substring(prefix.length()) : compVis;
    }

    private static String module(String weight) {
        return weight.substring(0, weight.length() - WEIGHT.length());
    }

    private static String flat(String module) {
        return module.replace('.', '_');
    }

    /**
     * The weights.
     *
     * @return shapes by CompVis name, in file order
     */
    public Map<String, List<Long>> shapes() {
        return shapes;
    }

    /**
     * Some of the weights.
     *
     * @param wanted takes CompVis names
     * @return their names, in file order
     */
    public List<String> names(Predicate<String> wanted) {
        return shapes.keySet().stream().filter(wanted).toList();
    }

    /** The weight that a file's module changes, in whatever naming. */
    Optional<String> find(String module) {
        if (module.startsWith(KOHYA)) {
            String rest = module.substring(KOHYA.length());
            return lookup(
                    rest.startsWith(KOHYA_TEXT)
                            ? TEXT + rest.substring(KOHYA_TEXT.length())
                            : rest);
        }
        String bare = module.startsWith(PEFT) ? module.substring(PEFT.length()) : module;
        // A file of one network has no prefix for it.
        return lookup(bare).or(() -> lookup(UNET + bare)).or(() -> lookup(TEXT + bare));
    }

    private Optional<String> lookup(String name) {
        return Optional.ofNullable(byFlatName.get(flat(name)));
    }

    /**
     * The name of a weight's module in a file.
     *
     * @param weight its CompVis name
     * @param format whose name
     * @return empty if diffusers has none for the weight
     */
    public Optional<String> moduleName(String weight, LoraFormat format) {
        return names.toDiffusers(weight)
                .map(LoraTargets::module)
                .map(
                        name ->
                                switch (format) {
                                    case DIFFUSERS -> name;
                                    case KOHYA ->
                                            KOHYA + flat(name).replaceFirst("^" + TEXT, KOHYA_TEXT);
                                });
    }
}
