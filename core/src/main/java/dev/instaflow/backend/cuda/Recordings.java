package dev.instaflow.backend.cuda;

import dev.instaflow.backend.BackendException;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Programs that were recorded as CUDA graphs, so that one call begins what would be a thousand. A program runs plainly at
 * first, when convolutions are tried and memory is found; the second time it is recorded, and from then on played. What
 * cannot be recorded goes on to run plainly, for a reason that {@link #refusal} tells. Thread-safe.
 */
final class Recordings {
    /** Programs are four a model (text, UNet, decoder, encoder), and a few sizes of image. */
    private static final int MOST = 16;

    /** What makes two runs the same: the program, its arithmetic, and what each input looks like. */
    private record Key(Ops.Program program, Numerics numerics, List<Looks> inputs) {}

    private record Looks(Shape shape, DType type) {
        static Looks of(Tensor tensor) {
            return new Looks(tensor.shape(), tensor.dtype());
        }
    }

    /** How far a program has come. */
    private static final class Entry {
        private Recording recording;
        private boolean ran;
        private boolean refused;
    }

    private final CudaEngine engine;
    private final Map<Key, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private Thread recorder;
    private String refusal = "";

    Recordings(CudaEngine engine) {
        this.engine = engine;
    }

    /** Runs a program on inputs; the result belongs to the scope of {@code outer}. */
    Tensor run(CudaOps outer, Ops.Program program, List<Tensor> inputs) {
        Key key = new Key(program, outer.numerics(), inputs.stream().map(Looks::of).toList());
        Optional<Tensor> played =
                isRecording()
                        ? Optional.empty()
                        : engine.context().exclusively(() -> play(outer, key, inputs));
        if (played.isPresent()) {
            return played.get();
        }
        // Not within a turn: it may wait for buffers that others hold who wait for theirs.
        Tensor y = outer.block(ops -> program.run(ops, inputs));
        noteRun(key);
        return y;
    }

    /** Only what ran to its end has met all that must not be met while recording, such as the search for algorithms. */
    private void noteRun(Key key) {
        engine.context()
                .exclusively(
                        () -> {
                            Entry entry = entries.get(key);
                            if (entry != null) {
                                entry.ran = true;
                            }
                            return key;
                        });
    }

    private void add(Key key) {
        entries.put(key, new Entry());
        if (entries.size() > MOST) {
            Key eldest = entries.keySet().iterator().next();
            forget(entries.remove(eldest));
        }
    }

    /** The result; empty if there is no recording to play, as with a program that is new. */
    private Optional<Tensor> play(CudaOps outer, Key key, List<Tensor> inputs) {
        Entry entry = entries.get(key);
        if (entry == null) {
            add(key);
            return Optional.empty();
        }
        if (entry.refused || !entry.ran) {
            return Optional.empty();
        }
        if (entry.recording == null) {
            try {
                entry.recording = recorded(outer, key.program(), inputs);
            } catch (BackendException e) {
                entry.refused = true;
                refusal = String.valueOf(e.getMessage());
                return Optional.empty();
            }
        }
        Tensor stays = entry.recording.result();
        Tensor y = outer.result(stays.name(), stays.shape(), outer.operands().typeOf(stays));
        if (entries.get(key) != entry) { // memory for the result was only to be had from recordings
            y.close();
            return Optional.empty();
        }
        entry.recording.play(inputs);
        outer.copyInto(stays, y);
        return Optional.of(y);
    }

    private Recording recorded(CudaOps outer, Ops.Program program, List<Tensor> inputs) {
        // What the plain run took is not needed again, and this takes as much.
        engine.pool().releaseIdle();
        Recording recording = new Recording(engine, inputs);
        boolean done = false;
        try {
            record(outer, program, recording);
            done = true;
            return recording;
        } finally {
            if (!done) {
                recording.close();
            }
        }
    }

    private void record(CudaOps outer, Ops.Program program, Recording recording) {
        DevicePool.Purpose before = engine.pool().passing(DevicePool.Purpose.RECORDINGS);
        recorder = Thread.currentThread();
        try (TensorScope scope = outer.openApart("recording")) {
            recording.capture(inputs -> scope.escape(program.run(scope.ops(), inputs)));
        } finally {
            recorder = null;
            engine.pool().passing(before);
        }
    }

    /** Whether this thread is recording. */
    boolean isRecording() {
        return recorder == Thread.currentThread();
    }

    /**
     * Called by operations that cannot be recorded.
     *
     * @throws BackendException if this thread is recording
     */
    void requireNone(String operation) {
        if (isRecording()) {
            throw new BackendException(
                    "%s: a program that uses %s cannot be recorded"
                            .formatted(engine.context().name(), operation));
        }
    }

    /** Why a program runs plainly for good; empty if none does. */
    String refusal() {
        return refusal;
    }

    /** Drops all recordings: their memory is wanted, or a weight that they know is gone. */
    void forgetAll() {
        engine.context()
                .exclusively(
                        () -> {
                            List<Entry> all = new ArrayList<>(entries.values());
                            entries.clear();
                            all.forEach(this::forget);
                            return all;
                        });
    }

    private void forget(Entry entry) {
        if (entry.recording != null) {
            entry.recording.close();
        }
    }
}
