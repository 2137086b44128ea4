package dev.instaflow.train.vae;

import dev.instaflow.image.ColorFormat;
import dev.instaflow.image.Pixels;
import dev.instaflow.train.data.ContentDigest;
import java.util.List;

/**
 * Pictures of one size, in memory as bytes.
 *
 * @param format what the autoencoder sees of them
 * @param pictures at least one
 */
public record PictureData(ColorFormat format, List<Pixels> pictures) {
    /** Checks the sizes. */
    public PictureData {
        pictures = List.copyOf(pictures);
        if (pictures.isEmpty()) {
            throw new IllegalArgumentException("no pictures to train on");
        }
        Pixels first = pictures.get(0);
        for (Pixels picture : pictures) {
            if (picture.width() != first.width() || picture.height() != first.height()) {
                throw new IllegalArgumentException(
                        "a picture of %dx%d pixels among those of %dx%d; resize them first"
                                .formatted(
                                        picture.width(),
                                        picture.height(),
                                        first.width(),
                                        first.height()));
            }
        }
    }

    /** Some of them, [N,H,W,C] in -1..1, colours times alpha where there is alpha. */
    float[] batch(int... numbers) {
        int size = pictures.get(0).width() * pictures.get(0).height() * format.channels();
        float[] all = new float[Math.multiplyExact(size, numbers.length)];
        for (int i = 0; i < numbers.length; i++) {
            System.arraycopy(pictures.get(numbers[i]).toEncoder(format), 0, all, i * size, size);
        }
        return all;
    }

    /** In words: their number and a checksum of all pixels. */
    String description() {
        ContentDigest digest = new ContentDigest();
        digest.add(format.name());
        for (Pixels picture : pictures) {
            digest.add(picture.width()).add(picture.channels()).add(picture.toBytes());
        }
        return pictures.size() + " pictures, sha-256 " + digest.hex();
    }
}
