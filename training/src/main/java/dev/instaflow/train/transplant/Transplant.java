package dev.instaflow.train.transplant;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.convert.Overwrite;
import dev.instaflow.checkpoint.convert.Rewriting;
import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.checkpoint.layout.BlockName;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.storage.ComputedEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Adds what a fine-tune has changed to another descendant of the same base, such as a rectified flow, which
 * so learns the fine-tune's subject without training. Weights that the fine-tune does not have stay. No more
 * than a piece of a tensor is in memory.
 *
 * @param receiver the model that is changed: file or diffusers folder
 * @param base what both derive from
 * @param finetune what has learnt more
 * @param output written in the receiver's format, names and element types
 * @param strength by weight
 * @param limits of the relation of both to the base
 * @param strangers whether models are accepted that are beyond the limits
 * @param overwrite what happens to something that is at the output
 */
public record Transplant(
        Path receiver,
        Path base,
        Path finetune,
        Path output,
        BlockStrength strength,
        DerivationLimits limits,
        Strangers strangers,
        Overwrite overwrite) {
    private static final int CHUNK = 1 << 15;

    /** What happens with models that do not derive from the base. */
    public enum Strangers {
        /** Nothing is written. */
        REFUSE,
        /** The change is added nevertheless. */
        ACCEPT
    }

    /**
     * With the usual limits, strangers refused, nothing overwritten.
     *
     * @param receiver the model that is changed
     * @param base what both derive from
     * @param finetune what has learnt more
     * @param output where the result shall be
     * @param strength by weight
     * @return ready to run
     */
    public static Transplant of(
            Path receiver, Path base, Path finetune, Path output, BlockStrength strength) {
        return new Transplant(
                receiver,
                base,
                finetune,
                output,
                strength,
                DerivationLimits.USUAL,
                Strangers.REFUSE,
                Overwrite.REFUSE);
    }

    /**
     * Does it.
     *
     * @return what was done
     * @throws IllegalArgumentException if a model does not derive from the base; the message has the figures
     * @throws IOException if a file cannot be read, the models' shapes differ, or the output cannot be written; it
     *     is then as it was before
     */
    public TransplantReport run() throws IOException {
        try (CompVisView to = CompVisView.open(receiver, WeightSet.PLAIN);
                CompVisView from = CompVisView.open(base, WeightSet.PLAIN);
                CompVisView donor = CompVisView.open(finetune, WeightSet.PLAIN)) {
            Derivation ofDonor = Derivation.of(from, donor);
            requireRelated(ofDonor, finetune);
            Derivation ofReceiver = Derivation.of(from, to);
            requireRelated(ofReceiver, receiver);
            Map<String, Entry> changed = new LinkedHashMap<>();
            Map<String, double[]> blocks = new LinkedHashMap<>();
            for (Map.Entry<String, Difference> item : ofDonor.differences().entrySet()) {
                String name = item.getKey();
                Optional<Entry> weight = to.find(name);
                double factor = strength.of(name);
                if (weight.isEmpty()) {
                    continue;
                }
                double[] squares =
                        blocks.computeIfAbsent(BlockName.of(name), block -> new double[2]);
                squares[0] += squares(weight.get());
                squares[1] += Math.pow(factor * item.getValue().norm(), 2);
                if (factor != 0 && !item.getValue().identical()) {
                    changed.put(name, sum(weight.get(), from, donor, (float) factor));
                }
            }
            Rewriting.write(
                    to,
                    entry -> changed.getOrDefault(entry.name(), entry),
                    output,
                    overwrite,
                    provenance(ofDonor));
            return new TransplantReport(ofDonor, ofReceiver, list(blocks), changed.size());
        }
    }

    private void requireRelated(Derivation derivation, Path model) {
        if (strangers == Strangers.REFUSE && !derivation.isWithin(limits)) {
            throw new IllegalArgumentException(
                    ("%s does not derive from %s: %s; expected a cosine of at least %s and a distance of at"
                                    + " most %s. Name the right base, or accept strangers")
                            .formatted(
                                    model,
                                    base,
                                    derivation,
                                    limits.leastCosine(),
                                    limits.mostDistance()));
        }
    }

    private static List<TransplantReport.Block> list(Map<String, double[]> blocks) {
        List<TransplantReport.Block> list = new ArrayList<>();
        blocks.forEach(
                (name, squares) ->
                        list.add(
                                new TransplantReport.Block(
                                        name, Math.sqrt(squares[0]), Math.sqrt(squares[1]))));
        return list;
    }

    private static double squares(Entry entry) throws IOException {
        float[] chunk = new float[CHUNK];
        double sum = 0;
        for (long first = 0; first < entry.count(); first += CHUNK) {
            int length = (int) Math.min(CHUNK, entry.count() - first);
            entry.readFloats(first, chunk, 0, length);
            for (int i = 0; i < length; i++) {
                sum += (double) chunk[i] * chunk[i];
            }
        }
        return sum;
    }

    private static Entry sum(Entry weight, Checkpoint base, Checkpoint donor, float factor) {
        Entry before = base.find(weight.name()).orElseThrow();
        Entry after = donor.find(weight.name()).orElseThrow();
        return new ComputedEntry(weight.name(), weight.shape()) {
            @Override
            public void readFloats(long first, float[] target, int offset, int length)
                    throws IOException {
                float[] old = new float[length];
                float[] learnt = new float[length];
                weight.readFloats(first, target, offset, length);
                before.readFloats(first, old, 0, length);
                after.readFloats(first, learnt, 0, length);
                for (int i = 0; i < length; i++) {
                    target[offset + i] += factor * (learnt[i] - old[i]);
                }
            }
        };
    }

    private Map<String, String> provenance(Derivation derivation) throws IOException {
        Map<String, String> words = new LinkedHashMap<>();
        words.put("transplant.receiver", FileHash.named(receiver));
        words.put("transplant.base", FileHash.named(base));
        words.put("transplant.finetune", FileHash.named(finetune));
        words.put("transplant.strength", strength.description());
        words.put("transplant.derivation", derivation.toString());
        return words;
    }
}
