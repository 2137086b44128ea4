package dev.instaflow.benchmarks;

import java.io.IOException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * JMH's own command line, with one default added: a benchmark that has engines runs on all of this build,
 * ours and the peers, in the same run.
 */
public final class Main {
    private static final String ENGINE = "engine";

    private Main() {}

    /**
     * Runs benchmarks.
     *
     * @param args as {@code org.openjdk.jmh.Main}: a regular expression, {@code -p engine=cpu}, {@code -h}
     * @throws CommandLineOptionException if they make no sense
     * @throws IOException if help or lists cannot be printed
     * @throws RunnerException if a benchmark fails
     */
    public static void main(String... args)
            throws CommandLineOptionException, IOException, RunnerException {
        CommandLineOptions given = new CommandLineOptions(args);
        if (given.shouldHelp()) {
            given.showHelp();
            return;
        }
        ChainedOptionsBuilder options = new OptionsBuilder().parent(given).shouldFailOnError(true);
        if (!given.getParameter(ENGINE).hasValue()) {
            options.param(ENGINE, Engines.names().toArray(String[]::new));
        }
        Runner runner = new Runner(options.build());
        if (given.shouldList()) {
            runner.list();
        } else if (given.shouldListWithParams()) {
            runner.listWithParams(given);
        } else {
            runner.run();
        }
    }
}
