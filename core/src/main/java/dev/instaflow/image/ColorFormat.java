package dev.instaflow.image;

/** What the channels of an autoencoder's images mean. */
public enum ColorFormat {
    /** Red, green, blue. */
    RGB(3),
    /** Red, green and blue multiplied by alpha, then alpha. */
    RGBA_PREMULTIPLIED(4);

    private final int channels;

    ColorFormat(int channels) {
        this.channels = channels;
    }

    /**
     * The number of channels, in the autoencoder and in the image file.
     *
     * @return 3 or 4
     */
    public int channels() {
        return channels;
    }
}
