package dev.instaflow.train.evaluate.metric;

/** Gradient energy: the squared differences of neighbouring pixels. A blurred picture has less of it. */
public final class Sharpness {
    private Sharpness() {}

    /**
     * The mean squared difference of horizontal and of vertical neighbours, over all premultiplied channels.
     *
     * @param picture any
     * @return 0 for a picture of one colour; at most 1
     */
    public static double energy(Picture picture) {
        int side = picture.side();
        int row = side * Picture.CHANNELS;
        long sum = 0;
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < row; x++) {
                int at = y * row + x;
                if (x + Picture.CHANNELS < row) {
                    sum += square(picture.value(at + Picture.CHANNELS) - picture.value(at));
                }
                if (y + 1 < side) {
                    sum += square(picture.value(at + row) - picture.value(at));
                }
            }
        }
        double count = 2.0 * (side - 1) * row;
        double unit = picture.unit();
        return count == 0 ? 0 : sum / (count * unit * unit);
    }

    private static long square(long x) {
        return x * x;
    }

    /**
     * A sample's energy against the truth's.
     *
     * @param sample a sample
     * @param truth what it should be
     * @return 1 if it is as sharp, less if it is blurred; 1 if neither has any
     */
    public static double ratio(Picture sample, Picture truth) {
        double ours = energy(sample);
        double theirs = energy(truth);
        return ours == theirs ? 1 : ours / Math.max(theirs, Double.MIN_NORMAL);
    }
}
