package dev.instaflow.train.recipe;

import dev.instaflow.train.data.LatentEncoder;
import dev.instaflow.train.data.MixedData;
import dev.instaflow.train.data.TrainingData;
import dev.instaflow.train.pairs.PairData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a run is shown: pictures, pairs of a teacher, or both.
 *
 * @param examples all of it
 * @param pairs whose files stay open as long as they are read
 */
record ShownData(TrainingData examples, Optional<PairData> pairs) implements AutoCloseable {
    static ShownData open(PartTask.Context context, PictureRows rows, LatentEncoder encoder)
            throws IOException {
        Section settings = context.settings().at("data");
        Path cache = settings.file("cache").orElse(context.run().resolve("latents"));
        if (settings.given("pairs").isEmpty()) {
            if (rows.isEmpty()) {
                throw settings.bad(
                        "collections", "is empty and there are no pairs: nothing to learn");
            }
            return new ShownData(rows.encode(encoder, cache), Optional.empty());
        }
        double share = settings.amount("pairShare");
        PairData pairs = PairData.open(folder(context, settings));
        boolean opened = false;
        try {
            if (share < 1 && rows.isEmpty()) {
                throw settings.bad("pairShare", "is below 1, but there are no collections");
            }
            TrainingData all = pairs;
            if (share != 1) {
                TrainingData pictures = rows.encode(encoder, cache);
                all = settings.build(() -> new MixedData(pairs, pictures, share));
            }
            opened = true;
            return new ShownData(all, Optional.of(pairs));
        } finally {
            if (!opened) {
                pairs.close();
            }
        }
    }

    private static Path folder(PartTask.Context context, Section settings) {
        String name = settings.text("pairs");
        if (context.pairs().containsKey(name)) {
            return context.pairs().get(name);
        }
        Path folder = settings.file("pairs").orElseThrow();
        Path inside = folder.resolve(PairTask.FOLDER);
        if (!Files.isDirectory(folder)) {
            throw settings.bad(
                    "pairs", folder + ": no such folder, nor an earlier part of that name");
        }
        return Files.isDirectory(inside) ? inside : folder;
    }

    @Override
    public void close() throws IOException {
        if (pairs.isPresent()) {
            pairs.get().close();
        }
    }
}
