package dev.instaflow.train.evaluate.metric;

/** How well a picture is cut out. */
public final class AlphaShape {
    private static final double OPAQUE = 0.5;

    private AlphaShape() {}

    /**
     * Pixels that are opaque in both pictures, among those that are in one: alpha at least one half.
     *
     * @param a a picture
     * @param b another
     * @return 0 to 1; 1 if neither has an opaque pixel
     */
    public static double intersectionOverUnion(Picture a, Picture b) {
        int both = 0;
        int either = 0;
        for (int i = 0; i < a.side() * a.side(); i++) {
            boolean inA = a.alpha(i) >= OPAQUE;
            boolean inB = b.alpha(i) >= OPAQUE;
            both += inA && inB ? 1 : 0;
            either += inA || inB ? 1 : 0;
        }
        return either == 0 ? 1 : (double) both / either;
    }

    /**
     * How transparent the outermost pixels are. Emoji that touch the border are less than 1, so a sample's
     * is to be read beside the truth's.
     *
     * @param picture any
     * @return the mean of 1 - alpha over the outermost ring
     */
    public static double borderTransparency(Picture picture) {
        int side = picture.side();
        double sum = 0;
        int count = 0;
        for (int y = 0; y < side; y++) {
            boolean edge = y == 0 || y == side - 1;
            for (int x = 0; x < side; x += edge || side == 1 ? 1 : side - 1) {
                sum += 1 - picture.alpha(y * side + x);
                count++;
            }
        }
        return sum / count;
    }
}
