package dev.instaflow.train.run;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.convert.AtomicFolder;
import dev.instaflow.checkpoint.inspect.FileHash;
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
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
    private static final String MODEL_HASH = "model_sha256";

    /** Checks the number. */
    public Checkpoints {
        companions = List.copyOf(companions);
        if (keep < 1) {
            throw new IllegalArgumentException(
                    "keeping " + keep + " checkpoints, expected at least 1");
        }
    }

    /**
     * Writes the state of a run, then deletes all but the latest checkpoints. A step that has its checkpoint
     * already is left alone: the same run at the same step has the same bits.
     *
     * @param trainer between two steps
     * @return the folder
     * @throws IllegalStateException if the folder has checkpoints of other settings or of later steps: restore
     *     from them or use another folder
     * @throws IOException if it cannot be written; the ones before are untouched then
     */
    public Path save(Trainer trainer) throws IOException {
        Files.createDirectories(folder);
        Path target = folder.resolve("step-%09d".formatted(trainer.steps()));
        List<Path> before = all();
        if (!before.isEmpty() && step(before.get(before.size() - 1)) >= trainer.steps()) {
            requireSameRun(trainer, target, before.get(before.size() - 1));
            return target;
        }
        AtomicFolder.write(target, temporary -> fill(temporary, trainer));
        List<Path> all = all();
        for (int i = 0; i < all.size() - keep; i++) {
            delete(all.get(i));
        }
        return target;
    }

    private static void requireSameRun(Trainer trainer, Path target, Path latest)
            throws IOException {
        if (!latest.equals(target)) {
            throw new IllegalStateException(
                    "%s is later than step %d of this run: restore it or use another folder"
                            .formatted(latest, trainer.steps()));
        }
        try (Checkpoint state = Checkpoint.open(target.resolve(STATE))) {
            RunState.requireSettings(trainer, state, EnumSet.noneOf(RunSetting.class));
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    private void fill(Path temporary, Trainer trainer) throws IOException {
        Map<String, Object> extras = Map.of(RunState.STEP, trainer.steps());
        CkptWriter.write(temporary.resolve(MODEL), plain(trainer), extras);
        CkptWriter.write(temporary.resolve(AVERAGES), averages(trainer), extras);
        Map<String, Object> stateExtras = RunState.extras(trainer);
        stateExtras.put(MODEL_HASH, FileHash.sha256(temporary.resolve(MODEL)));
        CkptWriter.write(temporary.resolve(STATE), RunState.entries(trainer), stateExtras);
        for (Path companion : companions) {
            Files.copy(companion, temporary.resolve(companion.getFileName()));
        }
    }

    private static List<Entry> plain(Trainer trainer) {
        List<Entry> entries = new ArrayList<>();
        for (Parameter parameter : trainer.learner().parameters().list()) {
            entries.add(entry(parameter.name(), parameter.shape(), parameter.values()));
        }
        entries.addAll(trainer.learner().companions());
        int before = entries.size();
        for (Parameter parameter : trainer.learner().parameters().list()) {
            if (parameter.name().startsWith(ModelPart.UNET.compVisPrefix())) {
                entries.add(
                        entry(
                                WeightSet.averageName(parameter.name()),
                                parameter.shape(),
                                trainer.ema().averages().get(parameter.name())));
            }
        }
        if (entries.size() == before) {
            return entries;
        }
        float decay = (float) trainer.ema().decay();
        entries.add(HeapEntry.ofFloats("model_ema.decay", List.of(), decay));
        entries.add(HeapEntry.ofLongs("model_ema.num_updates", List.of(), trainer.ema().updates()));
        return entries;
    }

    private static List<Entry> averages(Trainer trainer) {
        List<Entry> entries = new ArrayList<>();
        for (Parameter parameter : trainer.learner().parameters().list()) {
            float[] average = trainer.ema().averages().get(parameter.name());
            entries.add(entry(parameter.name(), parameter.shape(), average));
        }
        entries.addAll(trainer.learner().companions());
        return entries;
    }

    private static Entry entry(String name, Shape shape, float[] values) {
        return HeapEntry.ofFloats(name, shape.sizes(), values);
    }

    /**
     * Continues a run from its latest checkpoint, to the bits of a run that never stopped. What a killed run has
     * left half written is deleted. Everything is read and checked before anything is changed.
     *
     * @param trainer made with the same settings, data, backend and optimiser
     * @return the folder, or empty if there is none: then nothing has changed
     * @throws IllegalArgumentException if a setting differs from that of the checkpoint, or the optimiser's state
     *     or the averages are of other parameters; the message names the setting and both values
     * @throws CheckpointFormatException if a file is damaged, a parameter is missing or of another size
     * @throws IOException if it cannot be read
     */
    public Optional<Path> restore(Trainer trainer) throws IOException {
        return restore(trainer, EnumSet.noneOf(RunSetting.class));
    }

    /**
     * Continues a run with some settings changed on purpose, as when its schedule is to end later. The change
     * is kept in all further checkpoints.
     *
     * @param trainer made with the same settings but for the changed ones
     * @param changed {@link RunSetting#LEARNING_RATE}, {@link RunSetting#MEMORY}, {@link RunSetting#BACKEND}
     * @return the folder, or empty if there is none: then nothing has changed
     * @throws IllegalArgumentException if another setting is given or differs
     * @throws IOException as {@link #restore(Trainer)}
     */
    public Optional<Path> restore(Trainer trainer, Set<RunSetting> changed) throws IOException {
        for (RunSetting setting : changed) {
            if (!setting.isChangeable()) {
                throw new IllegalArgumentException(
                        "a run cannot go on with another %s: start a new one from its %s"
                                .formatted(setting.label(), AVERAGES));
            }
        }
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
        read(trainer, latest, changed).apply(trainer);
        return Optional.of(latest);
    }

    private static RunState read(Trainer trainer, Path latest, Set<RunSetting> changed)
            throws IOException {
        try (Checkpoint model = Checkpoint.open(latest.resolve(MODEL));
                Checkpoint state = Checkpoint.open(latest.resolve(STATE))) {
            List<String> changes = RunState.requireSettings(trainer, state, changed);
            state.verify();
            String hash = FileHash.sha256(latest.resolve(MODEL));
            if (!hash.equals(state.metadata().get(MODEL_HASH))) {
                throw new CheckpointFormatException(
                        "%s: sha-256 %s, expected %s; delete the folder to continue from the one before"
                                .formatted(model.path(), hash, state.metadata().get(MODEL_HASH)));
            }
            RunState read = RunState.read(trainer, model, state, changes);
            if (read.steps() != step(latest)) {
                throw new CheckpointFormatException(
                        "%s is of step %d, the folder's name says another"
                                .formatted(state.path(), read.steps()));
            }
            return read;
        }
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
