package dev.instaflow.train.run;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.convert.AtomicFolder;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.tensor.Shape;
import dev.instaflow.train.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of a run, a folder each, the last few kept. A folder has {@code model.ckpt}, which the
 * rest of the library opens (plain weights, the UNet's averages as {@code model_ema.*}), {@code ema.ckpt}
 * with all averages under the plain names, {@code training.ckpt} with the optimiser's state, and copies of
 * the files that belong beside a model. It appears whole or not at all, so a run that is killed continues
 * from the one before.
 *
 * @param folder of the run
 * @param keep how many of the latest are kept
 * @param companions a model card and the tokenizer's files, copied into each checkpoint
 */
public record Checkpoints(Path folder, int keep, List<Path> companions) {
    private static final Pattern NAME = Pattern.compile("step-(\\d+)");
    private static final Pattern UNFINISHED = Pattern.compile("\\.+step-\\d+\\..*\\.(part|old)");
    private static final String MODEL = "model.ckpt";
    private static final String AVERAGES = "ema.ckpt";
    private static final String STATE = "training.ckpt";
    private static final String AVERAGE_PREFIX = "average.";
    private static final String OPTIMIZER_PREFIX = "optimizer.";
    private static final String STEP = "global_step";

    /** Checks the number. */
    public Checkpoints {
        companions = List.copyOf(companions);
        if (keep < 1) {
            throw new IllegalArgumentException(
                    "keeping " + keep + " checkpoints, expected at least 1");
        }
    }

    /**
     * Writes the state of a run, then deletes all but the latest checkpoints.
     *
     * @param trainer between two steps
     * @return the new folder
     * @throws IOException if it cannot be written; the ones before are untouched then
     */
    public Path save(Trainer trainer) throws IOException {
        Files.createDirectories(folder);
        Path target = folder.resolve("step-%09d".formatted(trainer.steps()));
        AtomicFolder.write(target, temporary -> fill(temporary, trainer));
        List<Path> all = all();
        for (int i = 0; i < all.size() - keep; i++) {
            delete(all.get(i));
        }
        return target;
    }

    private void fill(Path temporary, Trainer trainer) throws IOException {
        Map<String, Object> extras = Map.of(STEP, trainer.steps());
        CkptWriter.write(temporary.resolve(MODEL), plain(trainer), extras);
        CkptWriter.write(temporary.resolve(AVERAGES), averages(trainer), extras);
        CkptWriter.write(temporary.resolve(STATE), state(trainer), stateExtras(trainer));
        for (Path companion : companions) {
            Files.copy(companion, temporary.resolve(companion.getFileName()));
        }
    }

    private static List<Entry> plain(Trainer trainer) {
        List<Entry> entries = new ArrayList<>();
        for (Parameter parameter : trainer.model().parameters().list()) {
            entries.add(entry(parameter.name(), parameter.shape(), parameter.values()));
        }
        entries.addAll(trainer.model().frozen());
        for (Parameter parameter : trainer.model().parameters().list()) {
            if (parameter.name().startsWith(ModelPart.UNET.compVisPrefix())) {
                entries.add(
                        entry(
                                WeightSet.averageName(parameter.name()),
                                parameter.shape(),
                                trainer.ema().averages().get(parameter.name())));
            }
        }
        float decay = (float) trainer.ema().decay();
        entries.add(HeapEntry.ofFloats("model_ema.decay", List.of(), decay));
        entries.add(HeapEntry.ofLongs("model_ema.num_updates", List.of(), trainer.ema().updates()));
        return entries;
    }

    private static List<Entry> averages(Trainer trainer) {
        List<Entry> entries = new ArrayList<>();
        for (Parameter parameter : trainer.model().parameters().list()) {
            float[] average = trainer.ema().averages().get(parameter.name());
            entries.add(entry(parameter.name(), parameter.shape(), average));
        }
        entries.addAll(trainer.model().frozen());
        return entries;
    }

    private static List<Entry> state(Trainer trainer) {
        List<Entry> entries = new ArrayList<>();
        trainer.optimizer()
                .state()
                .forEach((name, values) -> entries.add(flat(OPTIMIZER_PREFIX + name, values)));
        trainer.ema()
                .averages()
                .forEach((name, values) -> entries.add(flat(AVERAGE_PREFIX + name, values)));
        return entries;
    }

    private static Map<String, Object> stateExtras(Trainer trainer) {
        Map<String, Object> extras = new LinkedHashMap<>();
        extras.put(STEP, trainer.steps());
        extras.put("optimizer_steps", trainer.optimizer().steps());
        extras.put("ema_updates", trainer.ema().updates());
        extras.putAll(settings(trainer));
        return extras;
    }

    /** What must be the same for a run to continue to the same bits, as far as numbers tell. */
    private static Map<String, Object> settings(Trainer trainer) {
        Map<String, Object> same = new LinkedHashMap<>();
        same.put("seed", trainer.settings().seed());
        same.put("batch", (long) trainer.settings().batch());
        same.put("passes", (long) trainer.settings().passes());
        same.put("examples", (long) trainer.dataSize());
        return same;
    }

    private static Entry entry(String name, Shape shape, float[] values) {
        return HeapEntry.ofFloats(name, shape.sizes(), values);
    }

    private static Entry flat(String name, float[] values) {
        return HeapEntry.ofFloats(name, List.of((long) values.length), values);
    }

    /**
     * Continues a run from its latest checkpoint. What a killed run has left half written is deleted.
     *
     * @param trainer made with the same settings, data and kind of optimiser
     * @return the folder, or empty if there is none: then nothing has changed
     * @throws IllegalArgumentException if the checkpoint was written with another seed, batch, number of
     *     passes or of examples
     * @throws CheckpointFormatException if a parameter is missing or of another size
     * @throws IOException if it cannot be read
     */
    public Optional<Path> restore(Trainer trainer) throws IOException {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        for (Path left : matching(UNFINISHED)) {
            delete(left);
        }
        List<Path> all = all();
        if (all.isEmpty()) {
            return Optional.empty();
        }
        Path latest = all.get(all.size() - 1);
        try (Checkpoint model = Checkpoint.open(latest.resolve(MODEL));
                Checkpoint state = Checkpoint.open(latest.resolve(STATE))) {
            restore(trainer, model, state);
        }
        return Optional.of(latest);
    }

    private static void restore(Trainer trainer, Checkpoint model, Checkpoint state)
            throws IOException {
        settings(trainer)
                .forEach(
                        (name, value) -> {
                            Object found = state.metadata().get(name);
                            if (!value.equals(found)) {
                                throw new IllegalArgumentException(
                                        "%s was written with %s %s, this run has %s: use the same or another folder"
                                                .formatted(state.path(), name, found, value));
                            }
                        });
        for (Parameter parameter : trainer.model().parameters().list()) {
            read(model, parameter.name(), parameter.values());
        }
        Map<String, float[]> averages = arrays(state, AVERAGE_PREFIX);
        trainer.ema().restore(number(state, "ema_updates"), averages);
        trainer.optimizer()
                .restore(number(state, "optimizer_steps"), arrays(state, OPTIMIZER_PREFIX));
        trainer.continueAfter(number(state, STEP));
    }

    private static void read(Checkpoint checkpoint, String name, float[] values)
            throws IOException {
        Optional<Entry> entry = checkpoint.find(name);
        if (entry.isEmpty() || entry.get().count() != values.length) {
            throw new CheckpointFormatException(
                    "%s: \"%s\" should have %d values, %s"
                            .formatted(
                                    checkpoint.path(),
                                    name,
                                    values.length,
                                    entry.map(e -> "is " + e.shape()).orElse("is missing")));
        }
        entry.get().readFloats(0, values, 0, values.length);
    }

    private static Map<String, float[]> arrays(Checkpoint state, String prefix) throws IOException {
        Map<String, float[]> arrays = new LinkedHashMap<>();
        for (Entry entry : state.entries()) {
            if (entry.name().startsWith(prefix)) {
                float[] values = new float[Math.toIntExact(entry.count())];
                entry.readFloats(0, values, 0, values.length);
                arrays.put(entry.name().substring(prefix.length()), values);
            }
        }
        return arrays;
    }

    private static long number(Checkpoint state, String name) throws IOException {
        if (state.metadata().get(name) instanceof Number number) {
            return number.longValue();
        }
        throw new CheckpointFormatException(state.path() + ": no number \"" + name + '"');
    }

    /** All whole checkpoints, the oldest first. */
    private List<Path> all() throws IOException {
        return matching(NAME).stream().sorted(Comparator.comparing(Checkpoints::step)).toList();
    }

    private static long step(Path checkpoint) {
        Matcher matcher = NAME.matcher(checkpoint.getFileName().toString());
        return matcher.matches() ? Long.parseLong(matcher.group(1)) : -1;
    }

    private List<Path> matching(Pattern name) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(path -> name.matcher(path.getFileName().toString()).matches())
                    .toList();
        }
    }

    /** Renamed first, so that half of a checkpoint never looks like a whole one. */
    private static void delete(Path checkpoint) throws IOException {
        Path aside = checkpoint.resolveSibling("." + checkpoint.getFileName() + ".deleted.old");
        Files.move(checkpoint, aside);
        try (Stream<Path> files = Files.list(aside)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(aside);
    }
}
