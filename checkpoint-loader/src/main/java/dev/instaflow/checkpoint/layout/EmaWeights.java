package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Names of averaged weights. CompVis' {@code ldm/modules/ema.py} deletes every dot of a name, which
 * cannot be undone by parsing ({@code 1.0} and {@code 10} become one), so names are mapped forward
 * from the plain ones.
 */
final class EmaWeights {
    static final String PREFIX = "model_ema.";

    /** As diffusers: a handful of names may be a trainer's counters, a hundred are weights. */
    private static final int ENOUGH = 100;

    private EmaWeights() {}

    /** {@code model.diffusion_model.out.0.bias} → {@code model_ema.diffusion_modelout0bias}. */
    static String emaName(String name) {
        return PREFIX + name.substring("model.".length()).replace(".", "");
    }

    static boolean presentIn(Checkpoint compVis) {
        long count = compVis.entries().stream().filter(e -> e.name().startsWith(PREFIX)).count();
        if (count > ENOUGH) {
            return true;
        }
        List<String> names = unetNames(compVis);
        return !names.isEmpty()
                && names.stream().allMatch(name -> compVis.find(emaName(name)).isPresent());
    }

    /** All entries, the U-Net's replaced by their averages. */
    static Map<String, Entry> replace(Checkpoint compVis) throws CheckpointFormatException {
        Map<String, String> plainNames = plainNames(compVis);
        Map<String, Entry> replaced = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        for (Entry entry : compVis.entries()) {
            String name = entry.name();
            if (name.startsWith(PREFIX)) {
                continue;
            }
            if (!name.startsWith(ModelPart.UNET.compVisPrefix())) {
                replaced.put(name, entry);
                continue;
            }
            Optional<Entry> average = compVis.find(emaName(name));
            if (average.isEmpty()) {
                missing.add(name);
                continue;
            }
            checkShape(compVis, entry, average.get());
            replaced.put(name, RenamedEntry.of(average.get(), name));
        }
        if (plainNames.isEmpty() || !missing.isEmpty()) {
            throw absent(compVis, plainNames.size(), missing);
        }
        return replaced;
    }

    /** Plain names by their averages' names; no two plain names may share one. */
    private static Map<String, String> plainNames(Checkpoint compVis)
            throws CheckpointFormatException {
        Map<String, String> plain = new LinkedHashMap<>();
        for (String name : unetNames(compVis)) {
            String other = plain.put(emaName(name), name);
            if (other != null) {
                throw new CheckpointFormatException(
                        "%s: the average of %s and of %s would both be called %s"
                                .formatted(
                                        compVis.path(),
                                        Escaped.quote(other),
                                        Escaped.quote(name),
                                        Escaped.quote(emaName(name))));
            }
        }
        return plain;
    }

    private static List<String> unetNames(Checkpoint compVis) {
        return compVis.entries().stream()
                .map(Entry::name)
                .filter(name -> name.startsWith(ModelPart.UNET.compVisPrefix()))
                .toList();
    }

    private static void checkShape(Checkpoint compVis, Entry plain, Entry average)
            throws CheckpointFormatException {
        if (!average.shape().equals(plain.shape())) {
            throw new CheckpointFormatException(
                    "%s: %s is %s, the weight that it averages, %s, is %s"
                            .formatted(
                                    compVis.path(),
                                    Escaped.quote(average.name()),
                                    average.shape(),
                                    Escaped.quote(plain.name()),
                                    plain.shape()));
        }
    }

    private static CheckpointFormatException absent(
            Checkpoint compVis, int expected, List<String> missing) {
        if (expected == 0) {
            return new CheckpointFormatException(
                    compVis.path()
                            + ": EMA weights were asked for, and the file has no U-Net to map their"
                            + " names from; use the plain weights");
        }
        return new CheckpointFormatException(
                "%s: EMA weights were asked for, and %s of the %d U-Net tensors have none (first: %s, expected %s); use the plain weights, or the training checkpoint that has both"
                        .formatted(
                                compVis.path(),
                                missing.size() == expected ? "all" : missing.size(),
                                expected,
                                Escaped.quote(missing.get(0)),
                                Escaped.quote(emaName(missing.get(0)))));
    }
}
