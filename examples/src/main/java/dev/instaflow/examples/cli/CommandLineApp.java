package dev.instaflow.examples.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The commands put together, and what is common to them: streams, errors, exit codes. */
final class CommandLineApp {
    private CommandLineApp() {}

    /** Runs one command; returns its exit code. */
    static int run(Terminal terminal, String... words) {
        RootCommand root = new RootCommand();
        CommandLine app = new CommandLine(root);
        commands(terminal, words).forEach((name, make) -> app.addSubcommand(name, make.get()));
        app.setOut(new PrintWriter(terminal.out(), true));
        app.setErr(new PrintWriter(terminal.err(), true));
        // A prompt may begin with "@", which picocli would take for a file of arguments.
        app.setExpandAtFiles(false);
        app.setCaseInsensitiveEnumValuesAllowed(true);
        app.setParameterExceptionHandler((e, args) -> usageError(terminal, e));
        app.setExecutionExceptionHandler(
                (e, command, parsed) -> {
                    if (root.debug()) {
                        e.printStackTrace(terminal.err());
                    }
                    terminal.say(nameOf(command) + ": " + Failure.message(e));
                    return Failure.exitCode(e);
                });
        try {
            return app.execute(words);
        } catch (OutOfMemoryError e) {
            if (root.debug()) {
                e.printStackTrace(terminal.err());
            }
            terminal.say(
                    "instaflow: out of memory ("
                            + e.getMessage()
                            + "); allow Java more by -Xmx, or make smaller or fewer images");
            return Failure.FAILED;
        }
    }

    /**
     * All commands; or the one that is asked for by the first word, since looking at the options
     * of the others takes a tenth of a second at every start.
     */
    private static Map<String, Supplier<Object>> commands(Terminal terminal, String... words) {
        Map<String, Supplier<Object>> all = new LinkedHashMap<>();
        all.put("generate", () -> new GenerateCommand(terminal));
        all.put("regenerate", () -> new RegenerateCommand(terminal));
        all.put("captions", () -> new CaptionsCommand(terminal));
        all.put("inspect", () -> new InspectCommand(terminal));
        all.put("convert", () -> new ConvertCommand(terminal));
        all.put("tokenize", () -> new TokenizeCommand(terminal));
        all.put("train", () -> new TrainCommand(terminal));
        all.put("pairs", () -> new PairsCommand(terminal));
        all.put("distill", () -> new DistillCommand(terminal));
        all.put("transplant", () -> new TransplantCommand(terminal));
        all.put("lora", () -> new LoraCommand(terminal));
        all.put("evaluate", () -> new EvaluateCommand(terminal));
        all.put("doctor", () -> new DoctorCommand(terminal));
        return words.length > 0 && all.containsKey(words[0])
                ? Map.of(words[0], all.get(words[0]))
                : all;
    }

    private static int usageError(Terminal terminal, ParameterException e) {
        String name = nameOf(e.getCommandLine());
        String line = name + ": " + Failure.oneLine(e.getMessage());
        if (e instanceof UnmatchedArgumentException unmatched) {
            List<String> likely = unmatched.getSuggestions();
            if (!likely.isEmpty()) {
                line += "; did you mean " + String.join(" or ", likely) + "?";
            }
        }
        terminal.say(line + " (see " + name + " --help)");
        return Failure.BAD_INPUT;
    }

    private static String nameOf(CommandLine command) {
        return command.getCommandSpec().qualifiedName();
    }
}
