package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BarChartTest {
    @TempDir private Path folder;

    @Test
    void isAReadablePngWithAColourForEachSeries() throws IOException {
        Map<String, List<Double>> bars = new LinkedHashMap<>();
        bars.put("cpu", List.of(1.0, 2.0));
        bars.put("torch", List.of(3.0, 4.0));
        Path file = folder.resolve("chart.png");
        BarChart.write(file, "One step", "seconds", List.of("UNet", "VAE"), bars);
        BufferedImage image = ImageIO.read(file.toFile());
        assertEquals(1000, image.getWidth());
        assertEquals(600, image.getHeight());
        // one hue a series covers thousands of pixels; text and lines are grey
        Set<Integer> hues = new HashSet<>();
        Map<Integer, Integer> areas = new LinkedHashMap<>();
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                areas.merge(image.getRGB(x, y), 1, Integer::sum);
            }
        }
        areas.forEach(
                (rgb, pixels) -> {
                    boolean grey = (rgb >> 16 & 255) == (rgb & 255);
                    if (!grey && pixels > 5000) {
                        hues.add(rgb);
                    }
                });
        assertTrue(hues.size() >= bars.size(), () -> "colours of large areas: " + hues);
    }

    @Test
    void theChartStandsBesideTheTable() {
        assertEquals(
                Path.of("a", "full.png"),
                FullSizeComparison.beside(Path.of("a", "full.md"), ".png"));
        assertEquals(
                Path.of("full.txt.png"), FullSizeComparison.beside(Path.of("full.txt"), ".png"));
    }
}
