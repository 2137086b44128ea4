package dev.instaflow.examples.cli;

import dev.instaflow.train.data.DatasetOptions;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.evaluate.Gallery;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A collection of pictures, as it stands on the command line or in a configuration.
 *
 * @param name of its style
 * @param path a folder or an archive
 */
record DataEntry(String name, Path path) {
    /** As {@code FILE} or {@code NAME=FILE}. */
    static DataEntry parse(String word, Path base) {
        int sign = word.indexOf('=');
        String path = word.substring(sign + 1);
        return new DataEntry(
                sign > 0 ? word.substring(0, sign) : ModelEntry.nameOf(path), base.resolve(path));
    }

    /** Reads all collections; they are closed again. */
    static Gallery gallery(List<DataEntry> entries) throws IOException {
        List<EmojiDataset> open = new ArrayList<>();
        try {
            List<Gallery.Source> sources = new ArrayList<>();
            for (DataEntry entry : entries) {
                open.add(entry.open());
                sources.add(new Gallery.Source(entry.name, open.get(open.size() - 1)));
            }
            return Gallery.of(sources);
        } finally {
            for (EmojiDataset dataset : open) {
                dataset.close();
            }
        }
    }

    private EmojiDataset open() throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        try {
            return EmojiDataset.open(path, DatasetOptions.DEFAULT);
        } catch (FileSystemException e) {
            throw e; // says which file
        } catch (IOException e) {
            BadInputException bad =
                    new BadInputException(
                            "collection %s (%s): %s".formatted(name, path, e.getMessage()));
            bad.initCause(e);
            throw bad;
        }
    }
}
