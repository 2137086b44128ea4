package dev.instaflow.examples.cli;

import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.train.evaluate.Contestant;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** A model to be evaluated, as it stands on the command line or in a configuration. */
final class ModelEntry {
    private static final String BUNDLED = "bundled";
    private static final List<String> KEYS =
            List.of("steps", "guidance", "weights", "card", "config", "tokenizer");

    private final String name;
    private final String path;
    private final Map<String, String> options;
    private final Path base;

    private ModelEntry(String name, String path, Map<String, String> options, Path base) {
        this.name = name;
        this.path = path;
        this.options = options;
        this.base = base;
    }

    /**
     * An entry by its parts.
     *
     * @param name in the report; by the file if empty
     * @param path of the model, or {@code bundled}
     * @param options by {@link #KEYS}
     * @param base what paths are relative to
     */
    static ModelEntry of(Optional<String> name, String path, Map<String, String> options, Path base)
            throws BadInputException {
        for (String key : options.keySet()) {
            if (!KEYS.contains(key)) {
                throw new BadInputException(
                        "model %s: unknown option \"%s\"; there are %s"
                                .formatted(path, key, String.join(", ", KEYS)));
            }
        }
        return new ModelEntry(name.orElse(nameOf(path)), path, options, base);
    }

    /** As {@code NAME=FILE,steps=4,guidance=1.5}. */
    static ModelEntry parse(String word) throws BadInputException {
        String[] parts = word.split(",");
        int sign = parts[0].indexOf('=');
        Map<String, String> options = new LinkedHashMap<>();
        for (String part : Arrays.asList(parts).subList(1, parts.length)) {
            int at = part.indexOf('=');
            if (at < 1) {
                throw new BadInputException(
                        "--model %s: \"%s\" should be OPTION=VALUE; a path with a comma needs --config"
                                .formatted(word, part));
            }
            options.put(part.substring(0, at), part.substring(at + 1));
        }
        Optional<String> name =
                sign < 0 ? Optional.empty() : Optional.of(parts[0].substring(0, sign));
        return of(name, parts[0].substring(sign + 1), options, Path.of(""));
    }

    /** A file's name without what says how it is packed. */
    static String nameOf(String path) {
        String file = Path.of(path).toAbsolutePath().normalize().getFileName().toString();
        int dot = file.indexOf('.');
        return dot > 0 ? file.substring(0, dot) : file;
    }

    Contestant contestant() throws IOException {
        ModelChoice choice =
                new ModelChoice(
                        path.equals(BUNDLED) ? Optional.empty() : Optional.of(base.resolve(path)),
                        option("card").map(this::card),
                        option("config").map(base::resolve),
                        option("tokenizer").map(base::resolve),
                        List.of());
        return new Contestant(name, choice.source(), weights(), steps(), guidance());
    }

    private Optional<String> option(String key) {
        return Optional.ofNullable(options.get(key));
    }

    /** The name of a built-in card is no path. */
    private String card(String value) {
        return value.endsWith(".json") ? base.resolve(value).toString() : value;
    }

    private WeightSet weights() throws BadInputException {
        String value = option("weights").orElse("plain").toLowerCase(Locale.ROOT);
        return switch (value) {
            case "plain" -> WeightSet.PLAIN;
            case "ema" -> WeightSet.EMA;
            default -> throw bad("weights", value, "plain or ema");
        };
    }

    private OptionalInt steps() throws BadInputException {
        Optional<String> value = option("steps");
        try {
            return value.isEmpty()
                    ? OptionalInt.empty()
                    : OptionalInt.of(Integer.parseInt(value.get()));
        } catch (NumberFormatException e) {
            throw bad("steps", value.get(), "a whole number");
        }
    }

    private OptionalDouble guidance() throws BadInputException {
        Optional<String> value = option("guidance");
        try {
            return value.isEmpty()
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(Double.parseDouble(value.get()));
        } catch (NumberFormatException e) {
            throw bad("guidance", value.get(), "a number");
        }
    }

    private BadInputException bad(String key, String value, String expected) {
        return new BadInputException(
                "model %s: %s is \"%s\", expected %s".formatted(name, key, value, expected));
    }
}
