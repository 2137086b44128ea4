package dev.instaflow.examples.cli;

import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What {@code java -jar instaflow.jar} runs. */
public final class Main {
    /** A block of the largest network takes less than this; then nothing is left half done. */
    private static final long PATIENCE_SECONDS = 10;

    /** A step of training and a checkpoint of the largest model may take this. */
    private static final long PATIENCE_IN_TRAINING_SECONDS = 300;

    private static final Set<String> TRAINING = Set.of("train", "pairs", "distill", "lora");

    private Main() {}

    /**
     * Runs one command and exits with its code; with 130, as shells expect, after Ctrl-C.
     *
     * @param args command and options; {@code --help} lists them
     */
    public static void main(String[] args) {
        Terminal terminal = Terminal.ofProcess();
        CountDownLatch done = new CountDownLatch(1);
        long patience =
                args.length > 0 && TRAINING.contains(args[0])
                        ? PATIENCE_IN_TRAINING_SECONDS
                        : PATIENCE_SECONDS;
        Thread hook = new Thread(() -> cancel(terminal, done, patience), "cancel");
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
    private static void cancel(Terminal terminal, CountDownLatch done, long seconds) {
        terminal.interrupt().cancel();
        try {
            done.await(seconds, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
