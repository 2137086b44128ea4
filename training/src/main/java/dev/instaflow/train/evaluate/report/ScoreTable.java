package dev.instaflow.train.evaluate.report;

import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.EvaluationResult;
import dev.instaflow.train.evaluate.GapScores;
import dev.instaflow.train.evaluate.ModelResult;
import dev.instaflow.train.evaluate.SplitScores;
import dev.instaflow.train.evaluate.SplitScores.NoveltyScores;
import dev.instaflow.train.evaluate.SplitScores.StyleScores;
import dev.instaflow.train.evaluate.metric.Distribution;
import java.util.Optional;
import java.util.function.Function;

/** The models side by side: a column a model, a row a measure. */
final class ScoreTable {
    private static final String ABSENT = "–";

    private final EvaluationResult result;
    private final StringBuilder html = new StringBuilder();

    private ScoreTable(EvaluationResult result) {
        this.result = result;
        html.append("<table class=\"scores\">\n<tr><th>measure</th>");
        result.models().forEach(m -> html.append("<th>" + Html.text(m.name()) + "</th>"));
        html.append("</tr>\n");
    }

    /** All measures of the captions of a split. */
    static String of(EvaluationResult result, Split split) {
        ScoreTable table = new ScoreTable(result);
        int sizes =
                result.models().stream()
                        .map(m -> m.splits().get(split).found().size())
                        .findFirst()
                        .orElse(0);
        for (int i = 0; i < sizes; i++) {
            int at = i;
            int side = result.models().get(0).splits().get(split).found().get(i).side();
            table.split(
                    "found at %d px: nearest".formatted(side),
                    split,
                    s -> Html.percent(s.found().get(at).top1()));
            table.split(
                    "found at %d px: among five".formatted(side),
                    split,
                    s -> Html.percent(s.found().get(at).top5()));
        }
        table.split("PSNR on white, dB", split, s -> spread(s.psnrOnWhite(), 1));
        table.split("20 dB and more", split, s -> Html.percent(s.shareFrom20()));
        table.split("PSNR of RGBA, dB", split, s -> spread(s.psnrRgba(), 1));
        table.split("alpha overlap (IoU)", split, s -> Html.number(s.alphaIou().mean(), 3));
        table.split(
                "border transparency (truth)",
                split,
                s ->
                        "%s (%s)"
                                .formatted(
                                        Html.number(s.border().mean(), 3),
                                        Html.number(s.borderOfTruth().mean(), 3)));
        table.split("sharpness, truth = 1", split, s -> spread(s.sharpness(), 2));
        table.split("difference of seeds, RMS", split, s -> Html.number(s.diversity().mean(), 4));
        table.styles(split);
        if (split == Split.VALID) {
            table.novelty(split);
        }
        return table.end();
    }

    private void styles(Split split) {
        style("nearer to a style than to the mean", split, s -> Html.percent(s.pure()));
        style("blend, style = 0, middle = 1", split, s -> spread(s.blend(), 2));
        style("RMS to the nearest style", split, s -> Html.number(s.toNearest().mean(), 4));
        style("RMS to the mean of the styles", split, s -> Html.number(s.toMean().mean(), 4));
        for (int i = 0; i < result.gallery().styles().size(); i++) {
            String name = result.gallery().styles().get(i).name();
            style(
                    "nearest style is " + Html.text(name),
                    split,
                    s -> Html.percent(s.shares().get(name)));
        }
        style("captions whose seeds show several styles", split, s -> Html.percent(s.several()));
    }

    private void novelty(Split split) {
        novelty("RMS to the nearest training picture", s -> spread(s.toTraining(), 4), split);
        novelty("RMS to the true picture", s -> spread(s.toTruth(), 4), split);
        novelty(
                "nearer to a training picture than to the truth",
                s -> Html.percent(s.nearerToTraining()),
                split);
        novelty(
                "RMS of the true picture to the nearest training picture",
                s -> spread(s.truthToTraining(), 4),
                split);
    }

    /** How models were asked, what one step loses, and how long it took: the same for all splits. */
    static String ofModels(EvaluationResult result) {
        ScoreTable table = new ScoreTable(result);
        table.row("sampler", m -> m.asked().sampler());
        table.row(
                "steps",
                m ->
                        m.asked().steps()
                                + (m.asked().forced() ? ", which the card does not allow" : ""));
        table.row(
                "guidance",
                m -> m.asked().guidance() > 1 ? Html.number(m.asked().guidance(), 2) : "off");
        table.gap("one step against many: latent RMS", g -> spread(g.latent(), 4));
        table.gap("one step against many: pixel RMS", g -> spread(g.pixel(), 4));
        table.gap("steps of the long way", g -> g.steps() + (g.forced() ? ", forced" : ""));
        table.gap(
                "straightness S (0 = straight)",
                g -> g.straightness().map(s -> Html.number(s.mean(), 4)).orElse(ABSENT));
        table.gap(
                "S relative to what the way covers",
                g -> g.straightness().map(s -> Html.number(s.relative(), 4)).orElse(ABSENT));
        table.row("images a second", m -> Html.number(m.timing().imagesPerSecond(), 1));
        return table.end();
    }

    private void split(String label, Split split, Function<SplitScores, String> cell) {
        row(label, m -> cell.apply(m.splits().get(split)));
    }

    private void style(String label, Split split, Function<StyleScores, String> cell) {
        if (result.models().stream().anyMatch(m -> styles(m, split).isPresent())) {
            row(label, m -> styles(m, split).map(cell).orElse(ABSENT));
        }
    }

    private static Optional<StyleScores> styles(ModelResult model, Split split) {
        return model.splits().get(split).styles();
    }

    private void novelty(String label, Function<NoveltyScores, String> cell, Split split) {
        row(label, m -> m.splits().get(split).novelty().map(cell).orElse(ABSENT));
    }

    private void gap(String label, Function<GapScores, String> cell) {
        row(label, m -> m.gap().map(cell).orElse(ABSENT));
    }

    private void row(String label, Function<ModelResult, String> cell) {
        html.append("<tr><th>" + label + "</th>");
        result.models().forEach(m -> html.append("<td>" + cell.apply(m) + "</td>"));
        html.append("</tr>\n");
    }

    /** Mean and, smaller, the middle four fifths. */
    private static String spread(Distribution all, int digits) {
        return "%s <small>%s … %s</small>"
                .formatted(
                        Html.number(all.mean(), digits),
                        Html.number(all.p10(), digits),
                        Html.number(all.p90(), digits));
    }

    private String end() {
        return html.append("</table>\n").toString();
    }
}
