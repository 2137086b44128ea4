package dev.instaflow.examples.cli;

import java.util.function.Supplier;

/** One line that is drawn again and again while something goes on; nothing where nobody sees it. */
final class StatusLine implements AutoCloseable {
    private static final int WIDTH = 30;
    private static final long NANOS_BETWEEN_DRAWINGS = 50_000_000;

    private final Terminal terminal;
    private long lastNanos = System.nanoTime() - NANOS_BETWEEN_DRAWINGS;
    private int drawnLength;

    StatusLine(Terminal terminal) {
        this.terminal = terminal;
    }

    /**
     * Draws, unless it did so a moment ago.
     *
     * @param line asked for only then
     */
    void show(Supplier<String> line) {
        long now = System.nanoTime();
        if (!terminal.errIsInteractive() || now - lastNanos < NANOS_BETWEEN_DRAWINGS) {
            return;
        }
        lastNanos = now;
        String text = line.get();
        String cover = " ".repeat(Math.max(0, drawnLength - text.length()));
        terminal.err().print("\r" + text + cover);
        terminal.err().flush();
        drawnLength = text.length();
    }

    /** A share as a number and a bar. */
    static String bar(double fraction) {
        int done = (int) Math.round(fraction * WIDTH);
        return "%3d%% [%s%s]"
                .formatted(Math.round(fraction * 100), "#".repeat(done), "-".repeat(WIDTH - done));
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
