package dev.instaflow.examples.cli;

import dev.instaflow.train.recipe.RunMonitor;

/** A bar with the time that is left; where nobody sees it, a line every minute. */
final class RecipeMonitor implements RunMonitor, AutoCloseable {
    private static final long NANOS_BETWEEN_LINES = 60_000_000_000L;

    private final Terminal terminal;
    private final StatusLine line;
    private String stage = "";
    private TimeLeft left = new TimeLeft(System.nanoTime());
    private boolean isFirst = true;
    private long lineNanos = System.nanoTime();

    RecipeMonitor(Terminal terminal) {
        this.terminal = terminal;
        this.line = new StatusLine(terminal);
    }

    @Override
    public void stage(String name, int number, int count) {
        line.close();
        stage = count == 1 ? "" : "%d/%d %s: ".formatted(number, count, name);
        isFirst = true;
    }

    @Override
    public void progress(String what, double fraction) {
        long now = System.nanoTime();
        if (isFirst) {
            // What was done before this start tells nothing about the time that it takes.
            left = new TimeLeft(now, fraction);
            isFirst = false;
        }
        line.show(() -> left.line(stage + what, fraction, now));
        if (!terminal.errIsInteractive() && now - lineNanos > NANOS_BETWEEN_LINES) {
            lineNanos = now;
            terminal.say(left.line(stage + what, fraction, now));
        }
    }

    @Override
    public void say(String message) {
        line.close();
        terminal.say(stage + message);
    }

    @Override
    public boolean isStopped() {
        return terminal.interrupt().isCancelled();
    }

    @Override
    public void close() {
        line.close();
    }
}
