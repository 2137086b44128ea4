package dev.instaflow.pipeline;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The model in the jar {@code instaflow-emoji-model}, copied to a temporary folder while it is read, since a
 * checkpoint is mapped and a jar's entry cannot be.
 */
final class BundledModel implements AutoCloseable {
    private static final String RESOURCES = "/dev/instaflow/emoji/";
    private static final String CHECKPOINT = "model.ckpt";
    private static final List<String> FILES =
            List.of(CHECKPOINT, "card.json", "captions.json", "vocab.json", "merges.txt");

    private final Path folder;

    private BundledModel(Path folder) {
        this.folder = folder;
    }

    static BundledModel extract() throws IOException {
        BundledModel model = new BundledModel(Files.createTempDirectory("instaflow-emoji-model"));
        boolean complete = false;
        try {
            for (String file : FILES) {
                model.copy(file);
            }
            complete = true;
        } finally {
            if (!complete) {
                model.close();
            }
        }
        return model;
    }

    private void copy(String file) throws IOException {
        try (InputStream in = BundledModel.class.getResourceAsStream(RESOURCES + file)) {
            if (in == null) {
                throw new FileNotFoundException(
                        "the bundled model is not on the class path (no "
                                + RESOURCES
                                + file
                                + "): add the dependency dev.instaflow:instaflow-emoji-model,"
                                + " or name a model file");
            }
            Files.copy(in, folder.resolve(file));
        }
    }

    Path checkpoint() {
        return folder.resolve(CHECKPOINT);
    }

    /** Deletes the copies. */
    @Override
    public void close() throws IOException {
        for (String file : FILES) {
            Files.deleteIfExists(folder.resolve(file));
        }
        Files.deleteIfExists(folder);
    }
}
