package dev.instaflow.benchmarks;

import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What a user of the bundled model waits for: a prompt, and a PNG on disk. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class PipelineBenchmark {
    private TextToImage engine;
    private Path png;
    private long seed;

    /**
     * Opens the model, and checks that one seed gives one image.
     *
     * @throws IOException if the jar is damaged
     */
    @Setup
    public void open() throws IOException {
        engine = TextToImage.bundled();
        png = Files.createTempFile("emoji", ".png");
        write(1);
        byte[] first = Files.readAllBytes(png);
        write(1);
        if (!Arrays.equals(first, Files.readAllBytes(png))) {
            throw new IllegalStateException("the same seed gave another image");
        }
    }

    private void write(long withSeed) throws IOException {
        GenerationRequest request = GenerationRequest.of(PromptToPng.PROMPT).withSeed(withSeed);
        engine.generate(request).get(0).writePng(png);
    }

    /**
     * Another seed each time.
     *
     * @return where it was written
     * @throws IOException if it cannot be written
     */
    @Benchmark
    public Path promptToPng() throws IOException {
        write(seed++);
        return png;
    }

    /**
     * Frees everything.
     *
     * @throws IOException if the image cannot be deleted
     */
    @TearDown
    public void close() throws IOException {
        engine.close();
        Files.deleteIfExists(png);
    }
}
