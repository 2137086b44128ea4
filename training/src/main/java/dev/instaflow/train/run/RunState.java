package dev.instaflow.train.run;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.train.Parameter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Everything that a run goes on from, read from a checkpoint and checked, so that nothing of a trainer has
 * been touched when it turns out not to fit.
 *
 * @param steps made
 * @param parameters values by name
 * @param emaUpdates taken in by the averages
 * @param averages by name
 * @param optimizerSteps made
 * @param optimizer its arrays by name
 * @param changes of settings, on the way and now
 */
record RunState(
        long steps,
        Map<String, float[]> parameters,
        long emaUpdates,
        Map<String, float[]> averages,
        long optimizerSteps,
        Map<String, float[]> optimizer,
        List<String> changes) {
    static final String STEP = "global_step";
    private static final String EMA_UPDATES = "ema_updates";
    private static final String OPTIMIZER_STEPS = "optimizer_steps";
    private static final String AVERAGE_PREFIX = "average.";
    private static final String OPTIMIZER_PREFIX = "optimizer.";
    private static final String SETTING_PREFIX = "setting ";
    private static final String CHANGES = "changes";

    /** The arrays of a run besides its parameters. */
    static List<Entry> entries(Trainer trainer) {
        List<Entry> entries = new ArrayList<>();
        trainer.optimizer()
                .state()
                .forEach((name, values) -> entries.add(flat(OPTIMIZER_PREFIX + name, values)));
        trainer.ema()
                .averages()
                .forEach((name, values) -> entries.add(flat(AVERAGE_PREFIX + name, values)));
        return entries;
    }

    private static Entry flat(String name, float[] values) {
        return HeapEntry.ofFloats(name, List.of((long) values.length), values);
    }

    /** Its numbers, and its settings in words. */
    static Map<String, Object> extras(Trainer trainer) throws IOException {
        Map<String, Object> extras = new LinkedHashMap<>();
        extras.put(STEP, trainer.steps());
        extras.put(OPTIMIZER_STEPS, trainer.optimizer().steps());
        extras.put(EMA_UPDATES, trainer.ema().updates());
        trainer.description().words().forEach((setting, words) -> extras.put(key(setting), words));
        extras.put(CHANGES, String.join("\n", trainer.changes()));
        return extras;
    }

    private static String key(RunSetting setting) {
        return SETTING_PREFIX + setting.label();
    }

    /**
     * Refuses a checkpoint of other settings.
     *
     * @param changed settings that may differ
     * @return all changes so far
     */
    static List<String> requireSettings(Trainer trainer, Checkpoint state, Set<RunSetting> changed)
            throws IOException {
        List<String> changes = new ArrayList<>();
        String before = String.valueOf(state.metadata().getOrDefault(CHANGES, ""));
        before.lines().forEach(changes::add);
        for (Map.Entry<RunSetting, String> now : trainer.description().words().entrySet()) {
            RunSetting setting = now.getKey();
            Object found = state.metadata().get(key(setting));
            if (now.getValue().equals(found)) {
                continue;
            }
            String was = found == null ? "is not recorded there" : "was \"" + found + '"';
            String message = setting.label() + ' ' + was + ", is \"" + now.getValue() + '"';
            if (found == null || !changed.contains(setting)) {
                throw new IllegalArgumentException(
                        "%s belongs to another run: %s; use the same settings or another folder%s"
                                .formatted(
                                        state.path(),
                                        message,
                                        setting.isChangeable()
                                                ? ", or say that it is meant to change"
                                                : ""));
            }
            changes.add("after step " + number(state, STEP) + ": " + message);
        }
        return changes;
    }

    /** Reads everything and checks it against what the trainer has. */
    static RunState read(Trainer trainer, Checkpoint model, Checkpoint state, List<String> changes)
            throws IOException {
        Map<String, float[]> parameters = new LinkedHashMap<>();
        for (Parameter parameter : trainer.learner().parameters().list()) {
            parameters.put(
                    parameter.name(), values(model, parameter.name(), parameter.values().length));
        }
        RunState read =
                new RunState(
                        number(state, STEP),
                        parameters,
                        number(state, EMA_UPDATES),
                        arrays(state, AVERAGE_PREFIX),
                        number(state, OPTIMIZER_STEPS),
                        arrays(state, OPTIMIZER_PREFIX),
                        changes);
        trainer.ema().requireFit(read.averages);
        trainer.optimizer()
                .requireFit(
                        trainer.learner().parameters().list(), read.optimizerSteps, read.optimizer);
        return read;
    }

    private static float[] values(Checkpoint checkpoint, String name, int length)
            throws IOException {
        Optional<Entry> entry = checkpoint.find(name);
        if (entry.isEmpty() || entry.get().count() != length) {
            throw new CheckpointFormatException(
                    "%s: \"%s\" should have %d values, %s"
                            .formatted(
                                    checkpoint.path(),
                                    name,
                                    length,
                                    entry.map(e -> "is " + e.shape()).orElse("is missing")));
        }
        return values(entry.get());
    }

    private static float[] values(Entry entry) throws IOException {
        float[] values = new float[Math.toIntExact(entry.count())];
        entry.readFloats(0, values, 0, values.length);
        return values;
    }

    private static Map<String, float[]> arrays(Checkpoint state, String prefix) throws IOException {
        Map<String, float[]> arrays = new LinkedHashMap<>();
        for (Entry entry : state.entries()) {
            if (entry.name().startsWith(prefix)) {
                arrays.put(entry.name().substring(prefix.length()), values(entry));
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

    /** Brings it into a trainer; cannot fail, as all of it has been checked. */
    void apply(Trainer trainer) {
        List<Parameter> list = trainer.learner().parameters().list();
        for (Parameter parameter : list) {
            float[] saved = parameters.get(parameter.name());
            System.arraycopy(saved, 0, parameter.values(), 0, saved.length);
        }
        trainer.ema().restore(emaUpdates, averages);
        trainer.optimizer().restore(list, optimizerSteps, optimizer);
        trainer.continueAfter(steps, changes);
    }
}
