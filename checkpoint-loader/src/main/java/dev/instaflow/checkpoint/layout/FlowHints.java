package dev.instaflow.checkpoint.layout;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Escaped;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Signs that a model is a rectified flow. Its tensors do not tell: InstaFlow and 2-rectified flow
 * have the very tensors of the Stable Diffusion that they were made from. So what stands beside them
 * is read: the card next to the file, the class of the diffusers pipeline or scheduler, the
 * metadata, and, as the weakest sign, the name of the file.
 */
final class FlowHints {
    private static final Pattern FLOW =
            Pattern.compile("rectified|instaflow|reflow|flow.?match|\\b[123][-_]?rf\\b");

    private FlowHints() {}

    /** The signs in words, strongest first; empty if there are none. */
    static List<String> of(Checkpoint checkpoint) throws IOException {
        List<String> hints = new ArrayList<>();
        cardHint(checkpoint.path(), hints);
        for (Map.Entry<String, Object> value : checkpoint.metadata().entrySet()) {
            if (value.getValue() instanceof String text && matches(text)) {
                hints.add(
                        "%s is \"%s\""
                                .formatted(Escaped.plain(value.getKey()), Escaped.plain(text)));
            }
        }
        Path name = checkpoint.path().getFileName();
        if (name != null && matches(name.toString())) {
            hints.add("it is called \"%s\"".formatted(Escaped.plain(name.toString())));
        }
        return hints;
    }

    private static void cardHint(Path path, List<String> hints) throws IOException {
        Optional<CardFile> card = CardFile.beside(path);
        if (card.isPresent()) {
            JsonNode root = card.get().root();
            String prediction = root.path("prediction").asText();
            if (prediction.equals("flow") || matches(root.path("parameterization").asText())) {
                Path name = card.get().path().getFileName();
                hints.add("its card %s says so".formatted(Escaped.plain(name.toString())));
            }
        }
    }

    private static boolean matches(String text) {
        return FLOW.matcher(text.toLowerCase(Locale.ROOT)).find();
    }
}
