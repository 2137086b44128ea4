package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a file's tensors are against what a model expects: missing names, names that nothing
 * expects, and tensors of another shape. {@link IgnorableKeys} count neither way. Immutable.
 *
 * @param missing expected and not there, in the order of the model
 * @param unexpected there and not expected, in the order of the file
 * @param wrongShape there in another shape, in the order of the model
 * @param expected all that the model expects
 */
public record KeyReport(
        List<TensorSpec> missing,
        List<TensorSpec> unexpected,
        List<WrongShape> wrongShape,
        List<TensorSpec> expected) {

    /** How many names of a block are written out before the rest is counted. */
    private static final int NAMES_SHOWN = 3;

    /** How many blocks are listed; Stable Diffusion 1.5 has 62. */
    private static final int BLOCKS_SHOWN = 70;

    /**
     * A tensor of another shape than expected.
     *
     * @param name its CompVis name
     * @param expected what the model needs
     * @param found what the file has
     */
    public record WrongShape(String name, List<Long> expected, List<Long> found) {}

    /** Takes copies of the lists. */
    public KeyReport {
        missing = List.copyOf(missing);
        unexpected = List.copyOf(unexpected);
        wrongShape = List.copyOf(wrongShape);
        expected = List.copyOf(expected);
    }

    /**
     * Compares a file with a whole model: every tensor counts.
     *
     * @param expected the model's tensors, under CompVis names
     * @param present a checkpoint with CompVis names, such as a {@link CompVisView}
     * @return the differences
     */
    public static KeyReport compare(Collection<TensorSpec> expected, Checkpoint present) {
        return compare(expected, present, present.entries());
    }

    /**
     * Compares a file with one part of a model: tensors of other parts are not looked at.
     *
     * @param part the part
     * @param expected the part's tensors, under CompVis names
     * @param present a checkpoint with CompVis names, such as a {@link CompVisView}
     * @return the differences
     */
    public static KeyReport comparePart(
            ModelPart part, Collection<TensorSpec> expected, Checkpoint present) {
        List<Entry> entries =
                present.entries().stream()
                        .filter(entry -> entry.name().startsWith(part.compVisPrefix()))
                        .toList();
        return compare(expected, present, entries);
    }

    private static KeyReport compare(
            Collection<TensorSpec> expected, Checkpoint present, Collection<Entry> entries) {
        List<TensorSpec> missing = new ArrayList<>();
        List<WrongShape> wrongShape = new ArrayList<>();
        Map<String, TensorSpec> expectedByName = new LinkedHashMap<>();
        for (TensorSpec spec : expected) {
            expectedByName.put(spec.name(), spec);
            Optional<Entry> found = present.find(spec.name());
            if (found.isEmpty()) {
                if (!IgnorableKeys.contains(spec.name())) {
                    missing.add(spec);
                }
            } else if (!found.get().shape().equals(spec.shape())) {
                wrongShape.add(new WrongShape(spec.name(), spec.shape(), found.get().shape()));
            }
        }
        List<TensorSpec> unexpected = new ArrayList<>();
        for (Entry entry : entries) {
            if (!expectedByName.containsKey(entry.name())
                    && !IgnorableKeys.contains(entry.name())) {
                unexpected.add(new TensorSpec(entry.name(), entry.shape()));
            }
        }
        return new KeyReport(missing, unexpected, wrongShape, List.copyOf(expected));
    }

    /**
     * Whether the file fits the model.
     *
     * @return true if nothing is missing, left over or of another shape
     */
    public boolean fits() {
        return missing.isEmpty() && unexpected.isEmpty() && wrongShape.isEmpty();
    }

    /**
     * Refuses a file that does not fit.
     *
     * @param checkpoint the file, for the message
     * @throws CheckpointFormatException with {@link #text()} if not {@link #fits()}
     */
    public void requireFit(Checkpoint checkpoint) throws CheckpointFormatException {
        if (!fits()) {
            throw new CheckpointFormatException(
                    checkpoint.path() + ": the tensors do not fit the model: " + text());
        }
    }

    /**
     * The differences, grouped by block, a line each; a part that is missing whole is one line.
     *
     * @return several lines without a trailing line break
     */
    public String text() {
        if (fits()) {
            return "all %d tensors are there".formatted(expected.size());
        }
        StringBuilder text = new StringBuilder();
        text.append(
                "%d of %d missing, %d unexpected, %d of another shape"
                        .formatted(
                                missing.size(),
                                expected.size(),
                                unexpected.size(),
                                wrongShape.size()));
        Blocks unexpectedBlocks = new Blocks();
        unexpected.forEach(spec -> unexpectedBlocks.add(spec.name(), ""));
        Blocks wrongBlocks = new Blocks();
        wrongShape.forEach(
                wrong ->
                        wrongBlocks.add(
                                wrong.name(),
                                " expected %s found %s"
                                        .formatted(wrong.expected(), wrong.found())));
        missingBlocks().appendTo(text, "missing");
        unexpectedBlocks.appendTo(text, "unexpected");
        wrongBlocks.appendTo(text, "of another shape");
        return text.toString();
    }

    /** A part that is missing whole is one group; otherwise each block is. */
    private Blocks missingBlocks() {
        Set<ModelPart> wholeParts = EnumSet.noneOf(ModelPart.class);
        for (ModelPart part : ModelPart.values()) {
            if (count(missing, part) == count(expected, part)) {
                wholeParts.add(part);
            }
        }
        Blocks blocks = new Blocks();
        for (TensorSpec spec : missing) {
            Optional<ModelPart> whole =
                    wholeParts.stream()
                            .filter(part -> spec.name().startsWith(part.compVisPrefix()))
                            .findFirst();
            if (whole.isPresent()) {
                String block =
                        "%s* (the whole %s)"
                                .formatted(whole.get().compVisPrefix(), whole.get().folder());
                blocks.add(block, spec.name(), "");
            } else {
                blocks.add(spec.name(), "");
            }
        }
        return blocks;
    }

    private static long count(List<TensorSpec> tensors, ModelPart part) {
        return tensors.stream()
                .filter(spec -> spec.name().startsWith(part.compVisPrefix()))
                .count();
    }

    /** Names by block, written a line each, long lists cut. */
    private static final class Blocks {
        private final Map<String, List<String>> namesByBlock = new LinkedHashMap<>();

        void add(String name, String remark) {
            add(BlockName.of(name), BlockName.inside(name), remark);
        }

        void add(String block, String inside, String remark) {
            namesByBlock.computeIfAbsent(block, b -> new ArrayList<>()).add(inside + remark);
        }

        void appendTo(StringBuilder text, String title) {
            if (namesByBlock.isEmpty()) {
                return;
            }
            text.append('\n').append(title).append(':');
            namesByBlock.entrySet().stream()
                    .limit(BLOCKS_SHOWN)
                    .forEach(e -> text.append("\n  ").append(line(e.getKey(), e.getValue())));
            int hidden = namesByBlock.size() - BLOCKS_SHOWN;
            if (hidden > 0) {
                text.append("\n  and %d more blocks".formatted(hidden));
            }
        }

        private static String line(String block, List<String> names) {
            String shown = String.join(", ", names.subList(0, Math.min(NAMES_SHOWN, names.size())));
            int hidden = names.size() - NAMES_SHOWN;
            String rest = hidden > 0 ? ", and %d more".formatted(hidden) : "";
            return "%s (%d): %s%s".formatted(block, names.size(), shown, rest);
        }
    }
}
