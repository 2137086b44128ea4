package dev.instaflow.train.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.model.ModelConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files of the bundled model, copied out of their jar. */
public final class BundledEmoji {
    private static final String RESOURCES = "/dev/instaflow/emoji/";

    private BundledEmoji() {}

    public static Path copy(String name, Path folder) throws IOException {
        Path target = folder.resolve(name);
        if (!Files.exists(target)) {
            try (InputStream in = BundledEmoji.class.getResourceAsStream(RESOURCES + name)) {
                Files.copy(in, target);
            }
        }
        return target;
    }

    public static ModelConfig config(Path folder) throws IOException {
        Path card = copy("card.json", folder);
        return ModelConfig.ofCard("card.json", new ObjectMapper().readTree(card.toFile()));
    }
}
