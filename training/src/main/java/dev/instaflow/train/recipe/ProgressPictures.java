package dev.instaflow.train.recipe;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.model.ModelCard;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.data.EmojiRow;
import dev.instaflow.train.evaluate.CaptionSelection;
import dev.instaflow.train.evaluate.Manner;
import dev.instaflow.train.evaluate.Painter;
import dev.instaflow.train.evaluate.SampleGrid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The grids of a run: every n-th caption with the same seeds each time, as the averages draw them. */
final class ProgressPictures {
    private final SampleGrid grid;
    private final Painter painter;
    private final Manner manner;

    private ProgressPictures(SampleGrid grid, Painter painter, Manner manner) {
        this.grid = grid;
        this.painter = painter;
        this.manner = manner;
    }

    /** Empty if none are asked for or there are no captions. */
    static Optional<ProgressPictures> of(
            Section progress, Map<String, List<EmojiRow>> rows, Painter painter)
            throws IOException {
        int most = progress.count("gridCaptions", 1);
        int seeds = progress.count("gridSeeds", 1);
        int steps = progress.count("samplerSteps", 0);
        ModelCard card = painter.card();
        Manner manner =
                progress.build(
                        () ->
                                Manner.of(
                                        SamplerKind.defaultFor(card.traits().prediction()),
                                        steps == 0 ? card.limits().defaultSteps() : steps,
                                        progress.number("guidance")));
        if (rows.isEmpty() || progress.count("gridSteps", 0) == 0) {
            return Optional.empty();
        }
        List<String> captions = CaptionSelection.evenly(List.copyOf(rows.keySet()), most);
        List<List<Pixels>> truths = new ArrayList<>();
        for (String caption : captions) {
            truths.add(truths(rows.get(caption), card));
        }
        return Optional.of(
                new ProgressPictures(new SampleGrid(captions, truths, seeds), painter, manner));
    }

    private static List<Pixels> truths(List<EmojiRow> rows, ModelCard card) throws IOException {
        List<Pixels> truths = new ArrayList<>();
        for (EmojiRow row : rows) {
            Pixels pixels = EmojiDataset.pixels(row);
            boolean fits =
                    pixels.width() == card.image().width()
                            && pixels.height() == card.image().height();
            if (fits) {
                truths.add(pixels);
            }
        }
        return truths;
    }

    /** Draws with the weights as they are. */
    Pixels draw() {
        return grid.draw(painter, manner);
    }

    static void write(Pixels pixels, Path folder, long step) throws IOException {
        Files.createDirectories(folder);
        ImageFile.writePng(folder.resolve("step-%09d.png".formatted(step)), pixels, Map.of());
    }
}
