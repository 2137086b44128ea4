package dev.instaflow.train.recipe;

import dev.instaflow.train.data.DatasetOptions;
import dev.instaflow.train.data.DatasetOptions.Strictness;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.data.EmojiRow;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.data.LatentCache;
import dev.instaflow.train.data.LatentData;
import dev.instaflow.train.data.LatentEncoder;
import dev.instaflow.train.data.MixedData;
import dev.instaflow.train.data.RowProblem;
import dev.instaflow.train.data.TrainingData;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The collections of a part, open as long as their pictures are read. */
final class PictureRows implements AutoCloseable {
    private static final Map<String, Optional<Split>> SPLITS =
            Map.of(
                    "train", Optional.of(Split.TRAIN),
                    "valid", Optional.of(Split.VALID),
                    "all", Optional.empty());

    /** The rows of one collection. */
    private record Source(List<EmojiRow> rows, double weight) {}

    private final List<EmojiDataset> open = new ArrayList<>();
    private final List<Source> sources = new ArrayList<>();

    private PictureRows() {}

    /** Opens what {@code data.collections} names; possibly nothing. */
    static PictureRows open(Section data, RunMonitor monitor) throws IOException {
        PictureRows rows = new PictureRows();
        boolean opened = false;
        try {
            for (Section collection : data.list("collections", "collections", "path")) {
                rows.add(collection, monitor);
            }
            opened = true;
            return rows;
        } finally {
            if (!opened) {
                rows.close();
            }
        }
    }

    private void add(Section settings, RunMonitor monitor) throws IOException {
        Path path =
                settings.file("path")
                        .orElseThrow(() -> settings.bad("path", "names no collection"));
        if (!Files.exists(path)) {
            throw settings.bad("path", path + ": no such file or folder");
        }
        double weight = settings.amount("weight");
        if (weight == 0) {
            throw settings.bad("weight", "is 0; leave the collection out");
        }
        DatasetOptions options =
                new DatasetOptions(
                        settings.given("imageColumn"),
                        settings.given("textColumn"),
                        settings.flag("strict") ? Strictness.FAIL : Strictness.REPORT);
        EmojiDataset dataset = open(settings, path, options);
        open.add(dataset);
        long left = dataset.problems().stream().filter(p -> p.kind().leavesOut()).count();
        if (left > 0) {
            RowProblem first =
                    dataset.problems().stream()
                            .filter(p -> p.kind().leavesOut())
                            .findFirst()
                            .orElseThrow();
            monitor.say("%s: %d rows left out, first %s".formatted(path, left, first));
        }
        Optional<Split> split = settings.choice("split", SPLITS);
        List<EmojiRow> rows = split.isPresent() ? dataset.rows(split.get()) : dataset.rows();
        if (rows.isEmpty()) {
            throw settings.bad("path", path + ": no row of the split " + settings.text("split"));
        }
        sources.add(new Source(rows, weight));
    }

    private static EmojiDataset open(Section settings, Path path, DatasetOptions options)
            throws IOException {
        try {
            return EmojiDataset.open(path, options);
        } catch (FileSystemException e) {
            throw e; // says which file
        } catch (IOException e) {
            IllegalArgumentException bad = settings.bad("path", path + ": " + e.getMessage());
            bad.initCause(e);
            throw bad;
        }
    }

    boolean isEmpty() {
        return sources.isEmpty();
    }

    /** All rows, collection by collection. */
    List<EmojiRow> all() {
        return sources.stream().flatMap(source -> source.rows.stream()).toList();
    }

    /** A row for each caption, in the order in which they first appear. */
    Map<String, List<EmojiRow>> byCaption() {
        Map<String, List<EmojiRow>> byCaption = new LinkedHashMap<>();
        for (EmojiRow row : all()) {
            byCaption.computeIfAbsent(row.text(), text -> new ArrayList<>()).add(row);
        }
        return byCaption;
    }

    /** Latents of all pictures; shown alike often, or mixed as the weights say. */
    TrainingData encode(LatentEncoder encoder, Path cache) throws IOException {
        LatentCache latents = new LatentCache(cache);
        List<LatentData> encoded = new ArrayList<>();
        for (Source source : sources) {
            encoded.add(latents.encode(encoder, source.rows));
        }
        boolean alike = sources.stream().allMatch(s -> s.weight == sources.get(0).weight);
        return alike ? together(encoded) : mixed(encoded);
    }

    private static TrainingData together(List<LatentData> parts) {
        List<LatentData.Example> examples = new ArrayList<>();
        parts.forEach(part -> examples.addAll(part.examples()));
        return new LatentData(parts.get(0).sample(), examples);
    }

    private TrainingData mixed(List<LatentData> parts) {
        TrainingData mixed = parts.get(0);
        double total = sources.get(0).weight * parts.get(0).size();
        for (int i = 1; i < parts.size(); i++) {
            double more = sources.get(i).weight * parts.get(i).size();
            mixed = new MixedData(mixed, parts.get(i), total / (total + more));
            total += more;
        }
        return mixed;
    }

    @Override
    public void close() throws IOException {
        for (EmojiDataset dataset : open) {
            dataset.close();
        }
        open.clear();
    }
}
