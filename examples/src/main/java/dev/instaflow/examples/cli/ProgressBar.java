package dev.instaflow.examples.cli;

import dev.instaflow.pipeline.GeneratedImage;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.Progress;
import dev.instaflow.pipeline.RunControl;
import dev.instaflow.pipeline.TextToImage;
import java.util.List;
import java.util.Locale;

/**
 * One line that is drawn again and again while images are made. A class of our own: the libraries
 * for this cost more of a cold start than the bundled model takes for an image.
 */
final class ProgressBar implements Progress.Listener, AutoCloseable {
    private static final int WIDTH = 30;
    private static final long NANOS_BETWEEN_DRAWINGS = 50_000_000;

    private final Terminal terminal;
    private long lastNanos = System.nanoTime() - NANOS_BETWEEN_DRAWINGS;
    private int drawnLength;

    /** Draws nothing where nobody sees it. */
    private ProgressBar(Terminal terminal) {
        this.terminal = terminal;
    }

    /** Generates with a bar on the terminal, until its Ctrl-C. */
    static List<GeneratedImage> generate(
            Terminal terminal, TextToImage engine, GenerationRequest request) {
        try (ProgressBar bar = new ProgressBar(terminal)) {
            return engine.generate(request, new RunControl(bar, terminal.interrupt()));
        }
    }

    @Override
    public void on(Progress progress) {
        long now = System.nanoTime();
        if (!terminal.errIsInteractive() || now - lastNanos < NANOS_BETWEEN_DRAWINGS) {
            return;
        }
        lastNanos = now;
        draw(line(progress));
    }

    static String line(Progress progress) {
        int done = (int) Math.round(progress.fraction() * WIDTH);
        return String.format(
                Locale.ROOT,
                "%-8s %3d%% [%s%s]",
                progress.stage().name().toLowerCase(Locale.ROOT),
                Math.round(progress.fraction() * 100),
                "#".repeat(done),
                "-".repeat(WIDTH - done));
    }

    private void draw(String line) {
        String cover = " ".repeat(Math.max(0, drawnLength - line.length()));
        terminal.err().print("\r" + line + cover);
        terminal.err().flush();
        drawnLength = line.length();
    }

    /** Takes the line away, so that messages begin on an empty one. */
    @Override
    public void close() {
        if (drawnLength > 0) {
            terminal.err().print("\r" + " ".repeat(drawnLength) + "\r");
            terminal.err().flush();
            drawnLength = 0;
        }
    }
}
