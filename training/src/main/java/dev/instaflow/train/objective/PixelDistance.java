package dev.instaflow.train.objective;

import dev.instaflow.tensor.Shape;
import java.util.Locale;

/** Distances of pixels by themselves or beside each other. */
public enum PixelDistance implements PictureDistance {
    /** The mean absolute difference. */
    ABSOLUTE {
        @Override
        public Result between(Shape shape, float[] pictures, float[] wanted) {
            double sum = 0;
            float[] gradient = new float[pictures.length];
            float slope = 1f / gradient.length;
            for (int i = 0; i < gradient.length; i++) {
                float difference = pictures[i] - wanted[i];
                sum += Math.abs(difference);
                gradient[i] = slope * Math.signum(difference);
            }
            return new Result(sum / gradient.length, gradient);
        }
    },
    /** The mean squared difference. */
    SQUARED {
        @Override
        public Result between(Shape shape, float[] pictures, float[] wanted) {
            double sum = 0;
            float[] gradient = new float[pictures.length];
            float slope = 2f / gradient.length;
            for (int i = 0; i < gradient.length; i++) {
                float difference = pictures[i] - wanted[i];
                sum += (double) difference * difference;
                gradient[i] = slope * difference;
            }
            return new Result(sum / gradient.length, gradient);
        }
    },
    /**
     * The mean absolute difference of the steps from each pixel to the next one on its right, and the same
     * downwards: edges that are missing or too soft.
     */
    EDGES {
        @Override
        public Result between(Shape shape, float[] pictures, float[] wanted) {
            int height = shape.intSize(1);
            int row = Math.multiplyExact(shape.intSize(2), shape.intSize(3));
            int rows = pictures.length / row;
            float[] gradient = new float[pictures.length];
            double across = 0;
            double down = 0;
            int c = shape.intSize(3);
            float acrossSlope = 1f / Math.max(1, rows * (row - c));
            float downSlope = 1f / Math.max(1, rows / height * (height - 1) * row);
            for (int y = 0; y < rows; y++) {
                for (int i = y * row; i < (y + 1) * row - c; i++) {
                    across += step(pictures, wanted, gradient, i, i + c, acrossSlope);
                }
                for (int i = y * row; (y + 1) % height != 0 && i < (y + 1) * row; i++) {
                    down += step(pictures, wanted, gradient, i, i + row, downSlope);
                }
            }
            return new Result(across * acrossSlope + down * downSlope, gradient);
        }
    };

    private static double step(
            float[] pictures, float[] wanted, float[] gradient, int from, int to, float slope) {
        float difference = pictures[to] - pictures[from] - (wanted[to] - wanted[from]);
        gradient[to] += slope * Math.signum(difference);
        gradient[from] -= slope * Math.signum(difference);
        return Math.abs(difference);
    }

    @Override
    public String description() {
        return name().toLowerCase(Locale.ROOT) + " difference of pixels";
    }
}
