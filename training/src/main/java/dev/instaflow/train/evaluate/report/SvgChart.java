package dev.instaflow.train.evaluate.report;

import java.util.List;
import java.util.Locale;

/** Charts as inline SVG: groups of bars, and lines. The vertical axis begins at 0. */
final class SvgChart {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 240;
    private static final int LEFT = 48;
    private static final int TOP = 12;
    private static final int BOTTOM = 28;
    private static final int LEGEND_LINE = 18;
    private static final int TICKS = 5;

    /**
     * Numbers of one colour.
     *
     * @param name in the legend
     * @param values one a group, or one a point from left to right
     */
    record Series(String name, List<Double> values) {}

    private final List<Series> series;
    private final double most;
    private final StringBuilder svg = new StringBuilder();

    private SvgChart(List<Series> series, double most) {
        this.series = series;
        this.most = most;
        int height = HEIGHT + LEGEND_LINE * series.size();
        svg.append(
                "<svg role=\"img\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-size=\"12\">\n"
                        .formatted(WIDTH, height, WIDTH, height));
    }

    /** A bar for each series in each group, percentages. */
    static String bars(List<String> groups, List<Series> series) {
        SvgChart chart = new SvgChart(series, 1);
        chart.axis("%.0f %%", 100);
        double group = (double) (WIDTH - LEFT) / groups.size();
        double bar = group * 0.8 / series.size();
        for (int g = 0; g < groups.size(); g++) {
            for (int s = 0; s < series.size(); s++) {
                double value = series.get(s).values().get(g);
                double y = chart.y(value);
                chart.svg.append(
                        "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\"/>\n"
                                .formatted(
                                        Html.number(LEFT + g * group + group * 0.1 + s * bar, 1),
                                        Html.number(y, 1),
                                        Html.number(bar * 0.92, 1),
                                        Html.number(HEIGHT - BOTTOM - y, 1),
                                        Palette.colour(s)));
            }
            chart.label(LEFT + (g + 0.5) * group, groups.get(g));
        }
        return chart.end();
    }

    /** A line for each series, over times from 0 to 1. */
    static String lines(List<Series> series) {
        double most =
                series.stream()
                        .flatMap(s -> s.values().stream())
                        .mapToDouble(Double::doubleValue)
                        .max()
                        .orElse(1);
        SvgChart chart = new SvgChart(series, most > 0 ? most * 1.05 : 1);
        chart.axis("%.3g", 1);
        for (int s = 0; s < series.size(); s++) {
            StringBuilder points = new StringBuilder();
            List<Double> values = series.get(s).values();
            for (int i = 0; i < values.size(); i++) {
                double x = LEFT + (double) i / values.size() * (WIDTH - LEFT);
                points.append(Html.number(x, 1)).append(',');
                points.append(Html.number(chart.y(values.get(i)), 1)).append(' ');
            }
            chart.svg.append(
                    "<polyline points=\"%s\" fill=\"none\" stroke-width=\"2\" stroke=\"%s\"/>\n"
                            .formatted(points.toString().strip(), Palette.colour(s)));
        }
        for (int i = 0; i < TICKS; i++) {
            double time = (double) i / TICKS;
            chart.label(LEFT + time * (WIDTH - LEFT), "t = " + Html.number(time, 1));
        }
        return chart.end();
    }

    private double y(double value) {
        return HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM);
    }

    private void axis(String format, double factor) {
        for (int i = 0; i <= TICKS; i++) {
            double value = most * i / TICKS;
            String y = Html.number(y(value), 1);
            svg.append(
                    "<line x1=\"%d\" x2=\"%d\" y1=\"%s\" y2=\"%s\" stroke=\"#ddd\"/>\n"
                            .formatted(LEFT, WIDTH, y, y));
            svg.append(
                    "<text x=\"%d\" y=\"%s\" text-anchor=\"end\" dy=\"4\">%s</text>\n"
                            .formatted(
                                    LEFT - 6,
                                    y,
                                    String.format(Locale.ROOT, format, factor * value)));
        }
    }

    private void label(double x, String text) {
        svg.append(
                "<text x=\"%s\" y=\"%d\" text-anchor=\"middle\">%s</text>\n"
                        .formatted(Html.number(x, 1), HEIGHT - BOTTOM / 3, Html.text(text)));
    }

    private String end() {
        for (int s = 0; s < series.size(); s++) {
            int y = HEIGHT + LEGEND_LINE * s;
            svg.append(
                    "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>"
                            .formatted(LEFT, y, Palette.colour(s)));
            svg.append(
                    "<text x=\"%d\" y=\"%d\">%s</text>\n"
                            .formatted(LEFT + 18, y + 11, Html.text(series.get(s).name())));
        }
        return svg.append("</svg>\n").toString();
    }
}
