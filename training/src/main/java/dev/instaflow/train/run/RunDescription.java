package dev.instaflow.train.run;

import dev.instaflow.checkpoint.Entry;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.data.ContentDigest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** All settings of a run in words, so that two runs can be told apart and the difference be named. */
final class RunDescription {
    private static final int BUFFER_BYTES = 1 << 20;

    private final Map<RunSetting, String> words = new EnumMap<>(RunSetting.class);

    private RunDescription() {}

    /** Reads the frozen weights once, for their hash. */
    static RunDescription of(Trainer trainer) throws IOException {
        StepSettings settings = trainer.settings();
        Learner learner = trainer.learner();
        List<Parameter> parameters = learner.parameters().list();
        RunDescription run = new RunDescription();
        run.words.putAll(learner.settings());
        run.put(RunSetting.SEED, settings.seed());
        run.put(RunSetting.PASSES, settings.passes());
        run.put(RunSetting.OPTIMIZER, trainer.optimizer().description());
        run.put(RunSetting.LEARNING_RATE, settings.learningRate().description());
        run.put(RunSetting.CLIP_NORM, settings.clipNorm());
        run.put(RunSetting.EMA_DECAY, settings.emaDecay());
        run.put(RunSetting.PARAMETERS, parameters.size() + " tensors, " + names(parameters));
        run.put(RunSetting.FROZEN_WEIGHTS, frozen(learner.frozen()));
        run.put(RunSetting.BACKEND, learner.backend().description());
        return run;
    }

    private void put(RunSetting setting, Object value) {
        words.put(setting, value.toString());
    }

    /** By setting, all of them. */
    Map<RunSetting, String> words() {
        return words;
    }

    private static String names(List<Parameter> parameters) {
        ContentDigest digest = new ContentDigest();
        parameters.forEach(parameter -> digest.add(parameter.name()).add(parameter.shape()));
        return "sha-256 " + digest.hex();
    }

    private static String frozen(List<Entry> entries) throws IOException {
        ContentDigest digest = new ContentDigest();
        for (Entry entry : entries) {
            digest.add(entry.name()).add(entry.dtype().name()).add(entry.shape().toString());
            int size = entry.dtype().sizeBytes();
            long left = entry.count();
            ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES / size * size);
            while (left > 0) {
                buffer.clear().limit((int) Math.min(left * size, buffer.capacity()));
                entry.readBytes(entry.count() - left, buffer);
                left -= buffer.flip().limit() / size;
                digest.addAll(buffer);
            }
        }
        return entries.size() + " tensors, sha-256 " + digest.hex();
    }
}
