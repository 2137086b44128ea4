package dev.instaflow.ptx.cli;

import dev.instaflow.ptx.run.Approximation;
import dev.instaflow.ptx.run.Dim3;
import dev.instaflow.ptx.run.LaunchSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The words behind {@code run}.
 *
 * @param file PTX text
 * @param entry kernel, empty if the file has one only
 * @param launch mode and threads
 * @param approximation of approximate instructions
 * @param arguments in the order of the parameters
 */
record CommandOptions(
        Path file,
        String entry,
        Dim3 grid,
        Dim3 block,
        int sharedBytes,
        LaunchSettings launch,
        Approximation approximation,
        List<ArgumentSpec> arguments) {

    CommandOptions {
        arguments = List.copyOf(arguments);
    }

    /**
     * @throws IllegalArgumentException naming the word that was not understood
     */
    static CommandOptions parse(List<String> words) {
        if (words.size() < 2 || !words.get(0).equals("run") || words.get(1).startsWith("--")) {
            throw new IllegalArgumentException("expected: run FILE.ptx");
        }
        String entry = "";
        Dim3 grid = Dim3.of(1);
        Dim3 block = Dim3.of(32);
        int sharedBytes = 0;
        LaunchSettings launch = LaunchSettings.checked();
        Approximation approximation = Approximation.NEAREST;
        List<ArgumentSpec> arguments = new ArrayList<>();
        for (int i = 2; i < words.size(); i += 2) {
            String option = words.get(i);
            if (i + 1 == words.size()) {
                throw new IllegalArgumentException(option + " needs a value");
            }
            String value = words.get(i + 1);
            switch (option) {
                case "--entry" -> entry = value;
                case "--grid" -> grid = extent(option, value);
                case "--block" -> block = extent(option, value);
                case "--shared" -> sharedBytes = number(option, value);
                case "--fast" -> launch = LaunchSettings.fast(number(option, value));
                case "--approximate" -> approximation = approximation(value);
                case "--arg" -> arguments.add(ArgumentSpec.parse(value));
                default -> throw new IllegalArgumentException("unknown option " + option);
            }
        }
        return new CommandOptions(
                Path.of(words.get(1)),
                entry,
                grid,
                block,
                sharedBytes,
                launch,
                approximation,
                arguments);
    }

    private static Approximation approximation(String value) {
        return switch (value) {
            case "nearest" -> Approximation.NEAREST;
            case "worst" -> Approximation.WORST_ALLOWED;
            default ->
                    throw new IllegalArgumentException(
                            "--approximate " + value + ": expected nearest or worst");
        };
    }

    private static Dim3 extent(String option, String value) {
        String[] parts = value.split(",", -1);
        if (parts.length > 3) {
            throw new IllegalArgumentException(option + " " + value + ": expected X, X,Y or X,Y,Z");
        }
        int[] sizes = {1, 1, 1};
        for (int i = 0; i < parts.length; i++) {
            sizes[i] = number(option, parts[i]);
        }
        return new Dim3(sizes[0], sizes[1], sizes[2]);
    }

    private static int number(String option, String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(option + ": '" + value + "' is no integer", e);
        }
    }
}
