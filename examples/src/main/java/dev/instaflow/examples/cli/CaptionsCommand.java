package dev.instaflow.examples.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lists what the bundled model can draw. */
@Command(
        name = "captions",
        description = "List the captions that the bundled model knows, each with its emoji.")
final class CaptionsCommand implements Callable<Integer> {
    /** In the jar of instaflow-emoji-model; no network needs to be loaded to read it. */
    private static final String RESOURCE = "/dev/instaflow/emoji/captions.json";

    private final Terminal terminal;

    @Option(names = "--json", description = "As a JSON array of objects with text and emoji.")
    private boolean json;

    @Parameters(
            paramLabel = "FILTER",
            arity = "0..1",
            description =
                    "List only captions that contain this text, in any case, or are this emoji.")
    private Optional<String> filter;

    CaptionsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        ArrayNode found = new ObjectMapper().createArrayNode();
        for (JsonNode caption : read().path("captions")) {
            if (fits(caption)) {
                found.addObject()
                        .put("text", caption.path("text").asText())
                        .put("emoji", caption.path("emoji").asText());
            }
        }
        if (json) {
            terminal.out().println(found.toPrettyString());
        } else {
            for (JsonNode caption : found) {
                terminal.out()
                        .println(
                                caption.get("emoji").asText()
                                        + "\t"
                                        + caption.get("text").asText());
            }
        }
        if (found.isEmpty()) {
            terminal.say("no caption contains \"" + filter.orElse("") + '"');
        }
        return Failure.DONE;
    }

    private boolean fits(JsonNode caption) {
        String wanted = filter.orElse("").toLowerCase(Locale.ROOT);
        return caption.path("text").asText().toLowerCase(Locale.ROOT).contains(wanted)
                || caption.path("emoji").asText().equals(wanted);
    }

    private static JsonNode read() throws IOException {
        try (InputStream in = CaptionsCommand.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new FileNotFoundException(
                        "the bundled model is not on the class path (no " + RESOURCE + ")");
            }
            return new ObjectMapper().readTree(in);
        }
    }
}
