package dev.instaflow.train.transplant;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ModelPart;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Whether a model derives from a base: measured over all weights that both have. */
public final class Derivation {
    private final Map<String, Difference> differences;

    private Derivation(Map<String, Difference> differences) {
        this.differences = differences;
    }

    /**
     * Measures.
     *
     * @param base has CompVis names
     * @param other has CompVis names
     * @return what they differ by
     * @throws CheckpointFormatException if a weight of a network that both have is missing in one or of another
     *     shape, or no network is common to both
     * @throws IOException if a file cannot be read
     */
    public static Derivation of(Checkpoint base, Checkpoint other) throws IOException {
        Map<String, Difference> differences = new LinkedHashMap<>();
        List<String> unlike = new ArrayList<>();
        for (ModelPart part : ModelPart.values()) {
            if (has(base, part) && has(other, part)) {
                for (Entry entry : base.entries()) {
                    if (isWeight(entry, part)) {
                        Optional<Entry> match = other.find(entry.name());
                        if (match.isPresent() && match.get().shape().equals(entry.shape())) {
                            differences.put(entry.name(), Difference.of(entry, match.get()));
                        } else {
                            unlike.add(
                                    "%s %s, %s"
                                            .formatted(
                                                    entry.name(),
                                                    entry.shape(),
                                                    match.map(e -> "there " + e.shape())
                                                            .orElse("missing there")));
                        }
                    }
                }
            }
        }
        if (!unlike.isEmpty() || differences.isEmpty()) {
            throw new CheckpointFormatException(
                    "%s is no fine-tune of %s: %s"
                            .formatted(
                                    other.path(),
                                    base.path(),
                                    unlike.isEmpty()
                                            ? "they have no network in common"
                                            : unlike.size()
                                                    + " weights do not fit, the first being "
                                                    + unlike.get(0)));
        }
        return new Derivation(differences);
    }

    private static boolean has(Checkpoint checkpoint, ModelPart part) {
        return checkpoint.entries().stream().anyMatch(entry -> isWeight(entry, part));
    }

    private static boolean isWeight(Entry entry, ModelPart part) {
        return entry.name().startsWith(part.compVisPrefix())
                && entry.dtype().isFloat()
                && !entry.name().endsWith("position_ids");
    }

    /** By CompVis name, in the base's order. */
    Map<String, Difference> differences() {
        return Collections.unmodifiableMap(differences);
    }

    private List<Difference> matrices() {
        return differences.values().stream().filter(Difference::matrix).toList();
    }

    /**
     * The median over all matrices and kernels of the cosine between base and other: near 1 for a fine-tune, near
     * 0 for a model of another start, whatever both have learnt.
     *
     * @return in [-1,1]
     */
    public double medianCosine() {
        return median(matrices().stream().mapToDouble(Difference::cosine).toArray());
    }

    /**
     * The median over all matrices and kernels of the difference's norm over the base's.
     *
     * @return at least 0; about 1.4 for two unrelated models
     */
    public double medianDistance() {
        return median(matrices().stream().mapToDouble(Difference::distance).toArray());
    }

    private static double median(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }

    /**
     * The share of tensors that are the same to the bit.
     *
     * @return in [0,1]
     */
    public double identicalShare() {
        long same = differences.values().stream().filter(Difference::identical).count();
        return (double) same / differences.size();
    }

    /**
     * Whether a model is near enough to its base.
     *
     * @param limits how near
     * @return false for strangers
     */
    public boolean isWithin(DerivationLimits limits) {
        return medianCosine() >= limits.leastCosine() && medianDistance() <= limits.mostDistance();
    }

    /** The figures in one line. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "median cosine %.4f, median relative distance %.4f, %.1f %% of %d tensors identical",
                medianCosine(),
                medianDistance(),
                100 * identicalShare(),
                differences.size());
    }
}
