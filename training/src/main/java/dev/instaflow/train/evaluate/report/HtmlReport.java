package dev.instaflow.train.evaluate.report;

import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.EvaluationResult;
import dev.instaflow.train.evaluate.Gallery;
import dev.instaflow.train.evaluate.Gallery.Subject;
import dev.instaflow.train.evaluate.ModelResult;
import dev.instaflow.train.evaluate.SplitScores.FoundShare;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The page for people: plain HTML, pictures and charts inside, no scripts. */
final class HtmlReport {
    private static final Map<Split, String> TITLES =
            Map.of(Split.TRAIN, "Training captions", Split.VALID, "Held-out captions");

    private static final String STYLE =
            """
            body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff;
                   max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
            h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 2px solid #ddd; }
            h3 { margin: 0 0 .3rem; font-size: 1rem; font-weight: 600; }
            table { border-collapse: collapse; } small { color: #666; }
            table.scores { display: block; overflow-x: auto; }
            table.scores th, table.scores td { padding: .25rem .8rem; border-bottom: 1px solid #e4e4e4;
                   text-align: right; white-space: nowrap; }
            table.scores th:first-child { text-align: left; font-weight: normal; }
            table.scores tr:first-child th { font-weight: 600; border-bottom: 2px solid #999; }
            section.caption { margin: 1.2rem 0; } section.caption th { text-align: right;
                   padding-right: .8rem; font-weight: normal; min-width: 9rem; }
            section.caption img { display: block; max-width: 100%; height: auto; }
            dt { font-weight: 600; } dd { margin: 0 0 .6rem 1.2rem; }
            code { font-size: .85em; overflow-wrap: anywhere; }
            """;

    private final EvaluationResult result;
    private final Gallery gallery;
    private final StringBuilder html = new StringBuilder();

    HtmlReport(EvaluationResult result) {
        this.result = result;
        this.gallery = result.gallery();
    }

    String page() {
        html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.append("<meta name=\"viewport\" content=\"width=device-width\">\n");
        html.append("<title>InstaFlow: evaluation</title>\n<style>\n" + STYLE + "</style>\n");
        html.append("</head>\n<body>\n<h1>Evaluation of emoji models</h1>\n");
        html.append(introduction());
        html.append("<h2>The models</h2>\n" + ScoreTable.ofModels(result));
        straightness();
        PictureRows pictures = new PictureRows(result);
        for (Split split : Split.values()) {
            if (result.models().get(0).splits().containsKey(split)) {
                split(split, pictures);
            }
        }
        html.append("<h2>What the numbers mean</h2>\n" + Definitions.HTML);
        provenance();
        return html.append("</body>\n</html>\n").toString();
    }

    private String introduction() {
        long train = asked(Split.TRAIN);
        long emoji = gallery.subjects().stream().mapToInt(Subject::group).distinct().count();
        return """
               <p>%d training captions and %d held-out captions, each drawn with the seeds 0 to %d: nothing is
               picked, here or below. Captions are chosen by %s. A sample is looked for among all %d pictures of
               %d emoji; by chance it would be found in %s of the cases.</p>
               """
                .formatted(
                        train,
                        result.asked().size() - train,
                        result.settings().seeds() - 1,
                        rule(),
                        gallery.items().size(),
                        emoji,
                        Html.number(100.0 / emoji, 2) + "&nbsp;%");
    }

    private String rule() {
        boolean named = result.settings().captions().names().isPresent();
        String of = named ? "a list that was given beforehand" : "the collections";
        return result.settings().captions().most().isPresent()
                ? "taking evenly spaced ones of " + of
                : "taking all of " + of;
    }

    private long asked(Split split) {
        return result.asked().stream()
                .filter(i -> gallery.subjects().get(i).split() == split)
                .count();
    }

    private void straightness() {
        List<SvgChart.Series> lines = new ArrayList<>();
        for (ModelResult model : result.models()) {
            model.gap()
                    .flatMap(gap -> gap.straightness())
                    .ifPresent(s -> lines.add(new SvgChart.Series(model.name(), s.byTime())));
        }
        if (!lines.isEmpty()) {
            html.append(
                    "<h3>Straightness by time: 0 is noise, 1 the picture; low is straight</h3>\n");
            html.append(SvgChart.lines(lines));
        }
    }

    private void split(Split split, PictureRows pictures) {
        html.append("<h2>" + TITLES.get(split) + "</h2>\n" + ScoreTable.of(result, split));
        List<FoundShare> sizes = result.models().get(0).splits().get(split).found();
        List<SvgChart.Series> bars =
                result.models().stream()
                        .map(
                                m ->
                                        new SvgChart.Series(
                                                m.name(),
                                                m.splits().get(split).found().stream()
                                                        .map(FoundShare::top1)
                                                        .toList()))
                        .toList();
        html.append("<h3>Samples whose nearest emoji is the right one</h3>\n");
        html.append(SvgChart.bars(sizes.stream().map(s -> s.side() + " px").toList(), bars));
        html.append(
                "<h3>Samples: evenly spaced captions, seeds 0 to %d from left to right</h3>\n"
                        .formatted(result.settings().seeds() - 1));
        html.append(pictures.of(split));
    }

    private void provenance() {
        html.append("<h2>What was evaluated</h2>\n<dl>\n");
        for (ModelResult model : result.models()) {
            html.append("<dt>%s</dt>\n".formatted(Html.text(model.name())));
            html.append(
                    "<dd>%s, %s weights, licence %s. %s<br>SHA-256 <code>%s</code></dd>\n"
                            .formatted(
                                    Html.text(model.identity().name()),
                                    model.weights().name().toLowerCase(Locale.ROOT),
                                    Html.text(model.identity().license()),
                                    Html.text(model.identity().description()),
                                    model.sha256()));
        }
        for (Gallery.Style style : gallery.styles()) {
            html.append("<dt>Collection %s</dt>\n".formatted(Html.text(style.name())));
            html.append(
                    "<dd>%d pictures, %d remarks when it was read.<br>SHA-256 of captions and pixels <code>%s</code></dd>\n"
                            .formatted(style.pictures(), style.problems(), style.sha256()));
        }
        html.append("<dt>Device</dt><dd>" + Html.text(result.device()) + "</dd>\n</dl>\n");
    }
}
