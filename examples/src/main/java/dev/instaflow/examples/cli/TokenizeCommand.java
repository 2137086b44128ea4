package dev.instaflow.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.tokenizer.Encoding;
import dev.instaflow.tokenizer.Piece;
import dev.instaflow.tokenizer.TokenizerSettings;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows a prompt as a model reads it. */
@Command(
        name = "tokenize",
        description =
                "Show the ids and pieces of a prompt, and what of it does not fit into the model.")
final class TokenizeCommand implements Callable<Integer> {
    private static final String EMOJI_FOLDER = "/dev/instaflow/emoji/";

    private final Terminal terminal;

    @Parameters(
            paramLabel = "TEXT",
            arity = "1..*",
            description = "Several words are joined by spaces to one text.")
    private List<String> words;

    @Option(
            names = "--tokenizer",
            paramLabel = "DIR|NAME",
            defaultValue = "clip",
            description =
                    "Folder with vocab.json and merges.txt; or clip, that of Stable "
                            + "Diffusion 1.x and InstaFlow (77 tokens); or emoji, that of the "
                            + "bundled model (24 tokens). Default: clip.")
    private String tokenizer;

    @Option(names = "--json", description = "One JSON object, with the padding among its ids.")
    private boolean json;

    TokenizeCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        String text = String.join(" ", words);
        Encoding encoding = load().encode(text);
        if (json) {
            terminal.out().println(json(text, encoding).toPrettyString());
        } else {
            for (Piece piece : encoding.pieces()) {
                terminal.out().println(piece.id() + "\t" + piece.piece() + "\t" + piece.text());
            }
        }
        if (encoding.isCut()) {
            terminal.warn(
                    "cut at %d tokens; %d do not fit: %s"
                            .formatted(
                                    encoding.ids().length,
                                    encoding.lostTokens(),
                                    encoding.lostText()));
        }
        return Failure.DONE;
    }

    private ClipTokenizer load() throws IOException {
        return switch (tokenizer) {
            case "clip" -> ClipTokenizer.openAi(TokenizerSettings.clip());
            case "emoji" -> emoji();
            default -> ClipTokenizer.load(Path.of(tokenizer), TokenizerSettings.clip());
        };
    }

    private static ClipTokenizer emoji() throws IOException {
        try (InputStream vocabulary = resource("vocab.json");
                InputStream merges = resource("merges.txt")) {
            return ClipTokenizer.load(vocabulary, merges, TokenizerSettings.tinyEmoji());
        }
    }

    private static InputStream resource(String name) throws FileNotFoundException {
        InputStream in = TokenizeCommand.class.getResourceAsStream(EMOJI_FOLDER + name);
        if (in == null) {
            throw new FileNotFoundException(
                    "the bundled model is not on the class path (no " + EMOJI_FOLDER + name + ")");
        }
        return in;
    }

    private static ObjectNode json(String text, Encoding encoding) {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("text", text);
        ArrayNode ids = root.putArray("ids");
        for (int id : encoding.ids()) {
            ids.add(id);
        }
        root.put("length", encoding.length());
        ArrayNode pieces = root.putArray("pieces");
        for (Piece piece : encoding.pieces()) {
            pieces.addObject()
                    .put("id", piece.id())
                    .put("piece", piece.piece())
                    .put("text", piece.text());
        }
        root.put("cut", encoding.isCut());
        root.put("lostTokens", encoding.lostTokens());
        root.put("lostText", encoding.lostText());
        return root;
    }
}
