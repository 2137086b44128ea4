package dev.instaflow.train.objective;

/** What is seen behind premultiplied RGBA in -1..1. */
enum Backdrop {
    /** {@code rgb}: what is transparent is black already. */
    BLACK(0),
    /** {@code rgb + (1 - alpha)} in 0..1, which is {@code rgb - alpha + 1} in -1..1. */
    WHITE(1);

    private static final int RGB = 3;
    private static final int RGBA = 4;

    private final int brightness;

    Backdrop(int brightness) {
        this.brightness = brightness;
    }

    /** Pictures without alpha. */
    float[] under(float[] rgba) {
        float[] rgb = new float[rgba.length / RGBA * RGB];
        for (int pixel = 0; pixel < rgba.length / RGBA; pixel++) {
            float light = brightness * (1 - rgba[pixel * RGBA + RGB]);
            for (int c = 0; c < RGB; c++) {
                rgb[pixel * RGB + c] = rgba[pixel * RGBA + c] + light;
            }
        }
        return rgb;
    }

    /** Adds a share of the gradient with respect to the pictures with alpha. */
    void addGradient(float[] rgb, float share, float[] rgba) {
        for (int pixel = 0; pixel < rgba.length / RGBA; pixel++) {
            for (int c = 0; c < RGB; c++) {
                float slope = share * rgb[pixel * RGB + c];
                rgba[pixel * RGBA + c] += slope;
                rgba[pixel * RGBA + RGB] -= brightness * slope;
            }
        }
    }
}
