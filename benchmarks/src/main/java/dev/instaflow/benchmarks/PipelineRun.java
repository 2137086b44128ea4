package dev.instaflow.benchmarks;

import dev.instaflow.backend.Device;
import dev.instaflow.pipeline.EngineSettings;
import dev.instaflow.pipeline.GeneratedImage;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.ModelSource;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * The bundled model as its users run it, prompt to pixels, in a process of its own: {@code PipelineRun
 * THREADS WARMUP REPEATS BATCH...}.
 */
public final class PipelineRun {
    private PipelineRun() {}

    /**
     * Measures and prints lines as {@link SteadyStateRun} does.
     *
     * @param args threads, batches that are not measured, batches that are, sizes
     * @throws IOException if the model cannot be read
     */
    public static void main(String... args) throws IOException {
        EngineSettings settings = EngineSettings.on(Device.cpu(Integer.parseInt(args[0])));
        int warmup = Integer.parseInt(args[1]);
        int repeats = Integer.parseInt(args[2]);
        try (TextToImage engine = TextToImage.open(ModelSource.bundled(), settings)) {
            for (String batch : Arrays.asList(args).subList(3, args.length)) {
                SteadyState state = measure(engine, Integer.parseInt(batch), warmup, repeats);
                System.out.println(SteadyStateRun.MARK + state.toLine());
            }
        }
    }

    private static SteadyState measure(TextToImage engine, int n, int warmup, int repeats) {
        double best = Double.POSITIVE_INFINITY;
        long allocated = 0;
        long handed = 0;
        for (int i = 0; i < warmup + repeats; i++) {
            long before = AllocatedBytes.ofAllThreads();
            long start = System.nanoTime();
            List<GeneratedImage> images =
                    engine.generate(
                            GenerationRequest.of(PromptToPng.PROMPT).withSeed(i).withCount(n));
            double seconds = (System.nanoTime() - start) * 1e-9;
            allocated = AllocatedBytes.ofAllThreads() - before;
            best = i < warmup ? best : Math.min(best, seconds);
            handed = images.stream().mapToLong(PipelineRun::pixelBytes).sum();
        }
        return new SteadyState(
                best, n, allocated, handed, SteadyState.UNKNOWN, SteadyState.UNKNOWN);
    }

    private static long pixelBytes(GeneratedImage image) {
        return (long) image.pixels().width() * image.pixels().height() * image.pixels().channels();
    }
}
