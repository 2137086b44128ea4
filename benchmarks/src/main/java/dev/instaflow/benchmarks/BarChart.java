package dev.instaflow.benchmarks;

import dev.instaflow.checkpoint.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler;

/** A PNG of grouped bars, drawn without a screen. */
final class BarChart {
    private static final int WIDTH = 1000;
    private static final int HEIGHT = 600;

    private BarChart() {}

    /**
     * Draws a chart.
     *
     * @param target the PNG to make or replace
     * @param title above it, short
     * @param unit of the numbers
     * @param names of the groups
     * @param bars of each series, as many as there are groups
     * @throws IOException if it cannot be written
     */
    static void write(
            Path target,
            String title,
            String unit,
            List<String> names,
            Map<String, List<Double>> bars)
            throws IOException {
        CategoryChart chart =
                new CategoryChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(title)
                        .yAxisTitle(unit)
                        .build();
        chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNW);
        chart.getStyler().setLabelsVisible(true);
        chart.getStyler().setDecimalPattern("0.00");
        bars.forEach((series, values) -> chart.addSeries(series, names, values));
        byte[] png = BitmapEncoder.getBitmapBytes(chart, BitmapEncoder.BitmapFormat.PNG);
        AtomicFile.write(target, part -> Files.write(part, png));
    }
}
