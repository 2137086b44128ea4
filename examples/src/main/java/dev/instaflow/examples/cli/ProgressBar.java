package dev.instaflow.examples.cli;

import dev.instaflow.pipeline.GeneratedImage;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.Progress;
import dev.instaflow.pipeline.RunControl;
import dev.instaflow.pipeline.TextToImage;
import java.util.List;
import java.util.Locale;

/**
 * The stage and share of a generation. A class of our own: the libraries for this cost more of a cold start
 * than the bundled model takes for an image.
 */
final class ProgressBar {
    private ProgressBar() {}

    /** Generates with a bar on the terminal, until its Ctrl-C. */
    static List<GeneratedImage> generate(
            Terminal terminal, TextToImage engine, GenerationRequest request) {
        try (StatusLine line = new StatusLine(terminal)) {
            Progress.Listener listener = progress -> line.show(() -> line(progress));
            return engine.generate(request, new RunControl(listener, terminal.interrupt()));
        }
    }

    static String line(Progress progress) {
        return String.format(
                Locale.ROOT,
                "%-8s %s",
                progress.stage().name().toLowerCase(Locale.ROOT),
                StatusLine.bar(progress.fraction()));
    }
}
