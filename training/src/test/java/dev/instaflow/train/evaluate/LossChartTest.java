package dev.instaflow.train.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LossChartTest {
    @TempDir Path folder;

    private Path log(String text) throws IOException {
        return Files.writeString(folder.resolve("log.csv"), text);
    }

    @Test
    void rowsThatWereCutOffOrMadeAgainDoNotCount() throws IOException {
        Path csv =
                log(
                        "step,loss,rate\n10,1,0.1\n20,0.5,0.1\n30,9,0.1\n20,0.4,0.1\n30,0.3,0.1\n40,0.");
        LossLog log = LossLog.read(csv, "step", "loss");
        assertArrayEquals(new double[] {10, 20, 30}, log.steps());
        assertArrayEquals(new double[] {1, 0.4, 0.3}, log.values());
    }

    @Test
    void badLogsSayWhatIsWrong() throws IOException {
        Path noColumn = log("step,error\n1,2\n");
        assertTrue(message(noColumn).contains("loss"), message(noColumn));
        Path noRows = log("step,loss\n");
        assertTrue(message(noRows).contains("no rows"), message(noRows));
        Path noNumber = log("step,loss\n1,low\n");
        assertTrue(message(noNumber).contains("\"low\""), message(noNumber));
    }

    private String message(Path csv) {
        return assertThrows(
                        IOException.class, () -> LossChart.write(csv, folder.resolve("chart.png")))
                .getMessage();
    }

    @Test
    void theChartIsAPictureWithALineThatFalls() throws IOException {
        StringBuilder text = new StringBuilder("step,loss\n");
        for (int step = 1; step <= 200; step++) {
            text.append(step).append(',').append(1.0 - step / 250.0).append('\n');
        }
        Path png = folder.resolve("chart.png");
        LossChart.write(log(text.toString()), png);
        Pixels chart = ImageFile.read(png).pixels();
        assertEquals(900, chart.width());
        assertTrue(darkBlue(chart, 100) < darkBlue(chart, 800), "lower on the right");
    }

    /** The first row of a column, from the top, where the running mean is drawn. */
    private static int darkBlue(Pixels chart, int x) {
        byte[] bytes = chart.toBytes();
        for (int y = 0; y < chart.height(); y++) {
            int at = (y * chart.width() + x) * chart.channels();
            if ((bytes[at] & 0xff) < 40 && (bytes[at + 2] & 0xff) > 120) {
                return y;
            }
        }
        throw new AssertionError("no line in column " + x);
    }

    @Test
    void theRunningMeanOfAConstantIsTheConstant() {
        double[] constant = new double[500];
        Arrays.fill(constant, 3);
        assertArrayEquals(constant, LossChart.smoothed(constant), 1e-12);
    }

    @Test
    void axesHaveRoundNumbers() {
        assertEquals(
                List.of(0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0), Axis.over(0.1, 1).ticks());
        Axis wide = Axis.over(0.01, 1);
        assertEquals(Axis.Scale.LOGARITHMIC, wide.scale());
        assertEquals(0.5, wide.place(0.1), 1e-12);
        assertEquals("0.6", Axis.label(0.6000000000000001));
        assertEquals("20000", Axis.label(20000));
        assertEquals("0", Axis.label(0));
    }
}
