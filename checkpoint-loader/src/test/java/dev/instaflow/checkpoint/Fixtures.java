package dev.instaflow.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Files of the oracle, as copied into the test resources. */
public final class Fixtures {
    private Fixtures() {}

    /** A resource as a file: the readers map files, so a stream will not do. */
    public static Path path(String name) {
        try {
            return Path.of(Fixtures.class.getResource("/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    /** The cases of {@code formats/expected.json} or {@code hostile/manifest.json}. */
    public static List<JsonNode> cases(String manifest) throws IOException {
        JsonNode root = new ObjectMapper().readTree(path(manifest).toFile());
        List<JsonNode> cases = new ArrayList<>();
        root.path("files").forEach(cases::add);
        return cases;
    }

    /** The file names of all cases. */
    public static Stream<String> fileNames(String manifest) throws IOException {
        return cases(manifest).stream().map(item -> item.get("file").asText());
    }

    /** The case of one file. */
    public static JsonNode caseOf(String manifest, String fileName) throws IOException {
        return cases(manifest).stream()
                .filter(item -> item.get("file").asText().equals(fileName))
                .findFirst()
                .orElseThrow();
    }
}
