package dev.instaflow.benchmarks;

import dev.instaflow.backend.Device;
import dev.instaflow.model.ModelCard;
import dev.instaflow.pipeline.EngineSettings;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.MemoryMode;
import dev.instaflow.pipeline.ModelSource;
import dev.instaflow.pipeline.Progress;
import dev.instaflow.pipeline.RunControl;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What one image takes: {@code MemoryModes CHECKPOINT MODE THREADS [IMAGES]}, a process for each measurement,
 * since the system tells only the most that a process has ever had. Each image is one step at the model's own
 * size. Linux.
 */
public final class MemoryModes {
    private MemoryModes() {}

    /**
     * Makes the images and prints a line for each.
     *
     * @param args checkpoint, memory mode, threads, number of requests
     * @throws Exception if the file cannot be read
     */
    public static void main(String... args) throws Exception {
        EngineSettings settings =
                EngineSettings.on(Device.cpu(Integer.parseInt(args[2])))
                        .withMemory(MemoryMode.valueOf(args[1].toUpperCase(Locale.ROOT)));
        ModelSource source = ModelSource.of(Path.of(args[0])).withCard(ModelCard.instaFlow());
        int images = args.length > 3 ? Integer.parseInt(args[3]) : 1;
        AtomicReference<TextToImage> opened = new AtomicReference<>();
        StageTime open = StageTime.of(() -> opened.updateAndGet(none -> open(source, settings)));
        try (TextToImage engine = opened.get()) {
            System.out.printf("open: %s, peak %s%n", text(open), peak());
            for (int i = 0; i < images; i++) {
                report(engine);
            }
        }
    }

    private static TextToImage open(ModelSource source, EngineSettings settings) {
        try {
            return TextToImage.open(source, settings);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void report(TextToImage engine) throws Exception {
        Map<Progress.Stage, String> peaks = new EnumMap<>(Progress.Stage.class);
        RunControl control = RunControl.watchedBy(p -> peaks.put(p.stage(), peak()));
        GenerationRequest request = GenerationRequest.of("a cat");
        // The checksum is read with the first image, and is not what is measured here.
        engine.weightsSha256();
        StageTime image = StageTime.of(() -> engine.generate(request, control));
        System.out.printf(
                "image: %s, peak so far by stage %s, in all %s%n", text(image), peaks, peak());
    }

    private static String text(StageTime time) {
        return String.format(Locale.ROOT, "%.2f s, %.2f CPU s", time.wall(), time.cpu());
    }

    private static String peak() {
        try {
            return String.format(Locale.ROOT, "%.2f GB", Machine.peakBytes() * 1e-9);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
