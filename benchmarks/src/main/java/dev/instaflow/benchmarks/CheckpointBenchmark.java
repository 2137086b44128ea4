package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Opening a model file, reading every value of it, and bringing it to an engine. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 4, time = 1)
public class CheckpointBenchmark {
    private static final int CHUNK = 1 << 18;

    /** A file. */
    @State(Scope.Benchmark)
    public static class ModelFile {
        /** {@code emoji} or the path of a checkpoint of Stable Diffusion 1.x. */
        @Param(BenchmarkModel.EMOJI)
        public String model;

        private BenchmarkModel file;
        private final float[] chunk = new float[CHUNK];

        /**
         * Finds the file and checks that all its values are finite.
         *
         * @throws IOException if it cannot be read
         */
        @Setup
        public void open() throws IOException {
            file = BenchmarkModel.named(model);
            if (!Double.isFinite(sum())) {
                throw new IllegalStateException(file.path() + " holds values that are not finite");
            }
        }

        private double sum() throws IOException {
            try (Checkpoint checkpoint = Checkpoint.open(file.path())) {
                double sum = 0;
                for (Entry entry : checkpoint.entries()) {
                    for (long first = 0; first < entry.count(); first += CHUNK) {
                        int length = (int) Math.min(CHUNK, entry.count() - first);
                        entry.readFloats(first, chunk, 0, length);
                        sum += chunk[0] + chunk[length - 1];
                    }
                }
                return sum;
            }
        }
    }

    /** Where a model is loaded to. */
    @State(Scope.Benchmark)
    public static class Target {
        /** What computes. */
        @Param("cpu")
        public String engine;
    }

    /**
     * Reads the description of all tensors.
     *
     * @param file which
     * @return the number of tensors
     * @throws IOException if it cannot be read
     */
    @Benchmark
    public int open(ModelFile file) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(file.file.path())) {
            return checkpoint.entries().size();
        }
    }

    /**
     * Reads all values to the heap, piece by piece.
     *
     * @param file which
     * @return something that depends on them
     * @throws IOException if it cannot be read
     */
    @Benchmark
    public double readAll(ModelFile file) throws IOException {
        return file.sum();
    }

    /**
     * From the path to a model that is ready, packed for the engine.
     *
     * @param file which
     * @param target where to
     * @return the memory that it takes there, in bytes
     * @throws IOException if it cannot be read
     */
    @Benchmark
    public long load(ModelFile file, Target target) throws IOException {
        try (Backend backend = Engines.open(target.engine);
                StagedModel model = file.file.load(backend)) {
            return backend.heldBytes() + model.latentSide();
        }
    }
}
