package dev.instaflow.train.evaluate;

import dev.instaflow.image.ImageFile;
import dev.instaflow.train.data.DatasetOptions;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.evaluate.metric.Picture;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The pictures of {@code src/test/resources/evaluate}: four captions in two styles, and two equal flags. */
public final class SmallGallery {
    static final Path FOLDER = Path.of("src/test/resources/evaluate");
    static final String APPLE = "зеленое яблоко";

    private SmallGallery() {}

    /** Both styles. */
    public static Gallery both() throws IOException {
        try (EmojiDataset noto = open("noto");
                EmojiDataset fluent = open("fluent")) {
            return Gallery.of(
                    List.of(
                            new Gallery.Source("noto", noto),
                            new Gallery.Source("fluent", fluent)));
        }
    }

    static EmojiDataset open(String name) throws IOException {
        return EmojiDataset.open(FOLDER.resolve(name), DatasetOptions.DEFAULT);
    }

    static Picture picture(String file) throws IOException {
        return Picture.of(ImageFile.read(FOLDER.resolve(file)).pixels());
    }
}
