package dev.instaflow.examples.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What {@code java -jar instaflow.jar} runs. */
public final class Main {
    /** A block of the largest network takes less than this; then nothing is left half done. */
    private static final long PATIENCE_SECONDS = 10;

    private Main() {}

    /**
     * Runs one command and exits with its code; with 130, as shells expect, after Ctrl-C.
     *
     * @param args command and options; {@code --help} lists them
     */
    public static void main(String[] args) {
        Terminal terminal = Terminal.ofProcess();
        CountDownLatch done = new CountDownLatch(1);
        Thread hook = new Thread(() -> cancel(terminal, done), "cancel");
        Runtime.getRuntime().addShutdownHook(hook);
        int exitCode;
        try {
            exitCode = CommandLineApp.run(terminal, CommandWords.ofProcess(args));
        } finally {
            done.countDown();
        }
        System.exit(exitCode);
    }

    /** Runs when the process ends, by itself or by Ctrl-C. */
    private static void cancel(Terminal terminal, CountDownLatch done) {
        terminal.interrupt().cancel();
        try {
            done.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
