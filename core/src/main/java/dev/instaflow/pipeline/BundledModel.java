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
public final class BundledModel implements AutoCloseable {
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
            copyTo(model.folder);
            complete = true;
        } finally {
            if (!complete) {
                model.close();
            }
        }
        return model;
    }

    /**
     * Copies checkpoint, card, captions and tokenizer, for those who need them as files.
     *
     * @param folder exists and has none of them
     * @return the checkpoint, which the others lie beside
     * @throws FileNotFoundException if the model is not on the class path
     * @throws IOException if a file cannot be written
     */
    public static Path copyTo(Path folder) throws IOException {
        for (String file : FILES) {
            copy(file, folder.resolve(file));
        }
        return folder.resolve(CHECKPOINT);
    }

    private static void copy(String file, Path target) throws IOException {
        try (InputStream in = BundledModel.class.getResourceAsStream(RESOURCES + file)) {
            if (in == null) {
                throw new FileNotFoundException(
                        "the bundled model is not on the class path (no "
                                + RESOURCES
                                + file
                                + "): add the dependency dev.instaflow:instaflow-emoji-model,"
                                + " or name a model file");
            }
            Files.copy(in, target);
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
