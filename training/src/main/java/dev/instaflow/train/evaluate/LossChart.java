package dev.instaflow.train.evaluate;

import dev.instaflow.checkpoint.AtomicFile;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;

/**
 * The loss of a training run by step, from its log to a PNG: each value thin, their running mean bold. Needs
 * neither a screen nor fonts.
 */
public final class LossChart {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 420;
    private static final int LEFT = 70;
    private static final int RIGHT = 20;
    private static final int TOP = 30;
    private static final int BOTTOM = 40;
    private static final int SPACE = 6;
    private static final Color INK = new Color(0x333333);
    private static final Color GRID = new Color(0xe4e4e4);
    private static final Color EACH = new Color(0x9ecae1);
    private static final Color MEAN = new Color(0x08519c);

    /** Single outliers should not flatten all the rest. */
    private static final double SHOWN_SHARE = 0.995;

    /** The running mean forgets over this share of the run. */
    private static final double SMOOTH_SHARE = 0.005;

    private final String name;
    private final LossLog log;
    private final Axis steps;
    private final Axis values;

    private LossChart(String name, LossLog log) {
        this.name = name;
        this.log = log;
        double[] sorted = log.values().clone();
        Arrays.sort(sorted);
        double most = sorted[(int) ((sorted.length - 1) * SHOWN_SHARE)];
        int last = log.steps().length - 1;
        this.steps = new Axis(0, Math.max(1, log.steps()[last]), Axis.Scale.LINEAR);
        this.values = Axis.over(sorted[0], most);
    }

    /**
     * Draws the column {@code loss} over the column {@code step}.
     *
     * @param csv a log with a header; rows that were cut off are left out
     * @param png replaced if it exists; there whole or not at all
     * @throws IOException if the log has no such columns or no rows, or the chart cannot be written
     */
    public static void write(Path csv, Path png) throws IOException {
        write(csv, "step", "loss", png);
    }

    /**
     * Draws one column over another.
     *
     * @param csv a log with a header; rows that were cut off are left out
     * @param stepColumn header of the horizontal axis
     * @param valueColumn header of the vertical axis
     * @param png replaced if it exists; there whole or not at all
     * @throws IOException if the log has no such columns or no rows, or the chart cannot be written
     */
    public static void write(Path csv, String stepColumn, String valueColumn, Path png)
            throws IOException {
        LossChart chart = new LossChart(valueColumn, LossLog.read(csv, stepColumn, valueColumn));
        BufferedImage image = chart.draw();
        AtomicFile.write(png, part -> ImageIO.write(image, "png", part.toFile()));
    }

    private BufferedImage draw() {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, WIDTH, HEIGHT);
        drawAxes(graphics);
        graphics.setRenderingHint(
                RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setClip(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        drawLine(graphics, log.values(), EACH, 1);
        drawLine(graphics, smoothed(log.values()), MEAN, 2);
        graphics.dispose();
        return image;
    }

    private void drawAxes(Graphics2D graphics) {
        for (double tick : values.ticks()) {
            int y = (int) Math.round(y(tick));
            graphics.setColor(GRID);
            graphics.drawLine(LEFT, y, WIDTH - RIGHT, y);
            graphics.setColor(INK);
            String label = Axis.label(tick);
            int x = LEFT - SPACE - PixelFont.width(label);
            PixelFont.draw(graphics, label, x, y - PixelFont.HEIGHT / 2);
        }
        for (double tick : steps.ticks()) {
            int x = (int) Math.round(x(tick));
            graphics.setColor(GRID);
            graphics.drawLine(x, TOP, x, HEIGHT - BOTTOM);
            graphics.setColor(INK);
            String label = Axis.label(tick);
            int left = Math.min(x - PixelFont.width(label) / 2, WIDTH - PixelFont.width(label));
            PixelFont.draw(graphics, label, left, HEIGHT - BOTTOM + SPACE);
        }
        graphics.drawLine(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
        graphics.drawLine(LEFT, TOP, LEFT, HEIGHT - BOTTOM);
        PixelFont.draw(graphics, name + " by step", LEFT, (TOP - PixelFont.HEIGHT) / 2);
    }

    private double x(double step) {
        return LEFT + steps.place(step) * (WIDTH - LEFT - RIGHT);
    }

    private double y(double value) {
        return HEIGHT - BOTTOM - values.place(value) * (HEIGHT - TOP - BOTTOM);
    }

    private void drawLine(Graphics2D graphics, double[] line, Color colour, float width) {
        Path2D path = new Path2D.Double();
        path.moveTo(x(log.steps()[0]), y(line[0]));
        for (int i = 1; i < line.length; i++) {
            path.lineTo(x(log.steps()[i]), y(line[i]));
        }
        graphics.setColor(colour);
        graphics.setStroke(new BasicStroke(width));
        graphics.draw(path);
    }

    /** An exponential mean that is unbiased at its beginning. */
    static double[] smoothed(double[] values) {
        double keep = 1 - 1 / Math.max(1, values.length * SMOOTH_SHARE);
        double[] smooth = new double[values.length];
        double sum = 0;
        double weight = 0;
        for (int i = 0; i < values.length; i++) {
            sum = keep * sum + (1 - keep) * values[i];
            weight = keep * weight + 1 - keep;
            smooth[i] = sum / weight;
        }
        return smooth;
    }
}
