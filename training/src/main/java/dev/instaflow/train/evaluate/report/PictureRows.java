package dev.instaflow.train.evaluate.report;

import dev.instaflow.image.Pixels;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.CaptionScores;
import dev.instaflow.train.evaluate.EvaluationResult;
import dev.instaflow.train.evaluate.Gallery;
import dev.instaflow.train.evaluate.Gallery.Item;
import dev.instaflow.train.evaluate.Gallery.Subject;
import dev.instaflow.train.evaluate.ModelResult;
import dev.instaflow.train.evaluate.PictureSheet;
import dev.instaflow.train.evaluate.PictureSheet.Background;
import dev.instaflow.train.evaluate.SampleScores;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Captions with their true pictures and what each model makes of them. */
final class PictureRows {
    private static final int GAP = 4;

    private final EvaluationResult result;
    private final Gallery gallery;

    PictureRows(EvaluationResult result) {
        this.result = result;
        this.gallery = result.gallery();
    }

    /** The captions of a split that are shown. */
    String of(Split split) {
        StringBuilder html = new StringBuilder();
        Map<ModelResult, Map<Integer, CaptionScores>> scores = new HashMap<>();
        for (ModelResult model : result.models()) {
            Map<Integer, CaptionScores> bySubject = new HashMap<>();
            model.captions().forEach(c -> bySubject.put(c.subject(), c));
            scores.put(model, bySubject);
        }
        for (int index : result.shown()) {
            Subject subject = gallery.subjects().get(index);
            if (subject.split() == split) {
                html.append("<section class=\"caption\"><h3>");
                html.append(Html.text(subject.emoji() + " " + subject.caption()));
                html.append("</h3>\n<table>\n");
                html.append(row("truth", strip(truths(subject), subject.caption())));
                for (ModelResult model : result.models()) {
                    CaptionScores caption = scores.get(model).get(index);
                    html.append(model(model, caption, split));
                }
                html.append("</table></section>\n");
            }
        }
        return html.toString();
    }

    private String model(ModelResult model, CaptionScores caption, Split split) {
        Subject subject = gallery.subjects().get(caption.subject());
        String samples =
                strip(
                        model.shown().get(caption.subject()),
                        model.name() + ": " + subject.caption());
        String rows = row(Html.text(model.name()), samples);
        boolean nearest = split == Split.VALID && caption.samples().get(0).training().isPresent();
        return nearest
                ? rows + row("<small>nearest training picture</small>", neighbours(caption))
                : rows;
    }

    private String neighbours(CaptionScores caption) {
        List<Pixels> pictures =
                caption.samples().stream()
                        .map(SampleScores::training)
                        .map(n -> picture(n.orElseThrow().item()))
                        .toList();
        return strip(pictures, "nearest training pictures");
    }

    private List<Pixels> truths(Subject subject) {
        return gallery.distinct(subject).stream().map(this::picture).toList();
    }

    private Pixels picture(int index) {
        Item item = gallery.items().get(index);
        return item.picture().toPixels();
    }

    private static String strip(List<Pixels> pictures, String description) {
        // On white, as the page is: what is transparent then takes no room in the file.
        return Html.image(PictureSheet.of(List.of(pictures), GAP, Background.WHITE), description);
    }

    private static String row(String label, String picture) {
        return "<tr><th>" + label + "</th><td>" + picture + "</td></tr>\n";
    }
}
