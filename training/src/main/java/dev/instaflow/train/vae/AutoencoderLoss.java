package dev.instaflow.train.vae;

/**
 * How far a picture is from what was encoded, and its latent's distribution from the normal one. All terms
 * are means, so that weights do not depend on sizes; CompVis sums over a picture, where the usual {@code
 * kl_weight} of 1e-6 is 1e-6 times a picture's values for each of a latent's here.
 *
 * @param absolute weight of the mean absolute difference
 * @param gradient weight of that of differences between neighbours, across and down: edges stay sharp
 * @param chroma weight of that of colours less their mean: without it, small greens and purples wash out
 * @param divergence weight of the Kullback-Leibler divergence. Kingma and Welling 2014, "Auto-Encoding
 *     Variational Bayes", appendix B
 */
public record AutoencoderLoss(double absolute, double gradient, double chroma, double divergence) {
    private static final int COLOURS = 3;

    /** Checks the weights. */
    public AutoencoderLoss {
        boolean valid = absolute > 0 && gradient >= 0 && chroma >= 0 && divergence >= 0;
        if (!valid || !Double.isFinite(absolute + gradient + chroma + divergence)) {
            throw new IllegalArgumentException(
                    ("an autoencoder's loss with weights %s, %s, %s, %s; expected the first above 0 and none "
                                    + "below")
                            .formatted(absolute, gradient, chroma, divergence));
        }
    }

    /**
     * The usual weights: 1, 0.5 for gradients, no chroma, 1e-4 for the divergence.
     *
     * @return for small pictures
     */
    public static AutoencoderLoss usual() {
        return new AutoencoderLoss(1, 0.5, 0, 1e-4);
    }

    /**
     * Another weight of colours.
     *
     * @param weight at least 0
     * @return a changed copy
     */
    public AutoencoderLoss withChroma(double weight) {
        return new AutoencoderLoss(absolute, gradient, weight, divergence);
    }

    /**
     * Compares pictures.
     *
     * @param shape N, H, W, C
     * @param image what was decoded
     * @param target what was encoded
     * @param slope receives the gradient with respect to {@code image}
     * @return the loss, without the divergence
     */
    double ofPictures(int[] shape, float[] image, float[] target, float[] slope) {
        double loss = 0;
        for (int i = 0; i < image.length; i++) {
            float difference = image[i] - target[i];
            loss += absolute * Math.abs(difference) / image.length;
            slope[i] = (float) (absolute / image.length) * Math.signum(difference);
        }
        int c = shape[3];
        int row = shape[2] * c;
        loss += neighbours(image, target, slope, row, c);
        loss += neighbours(image, target, slope, shape[1] * row, row);
        return chroma > 0 && c >= COLOURS ? loss + colours(c, image, target, slope) : loss;
    }

    /** Values {@code step} apart inside lines of {@code line} values. */
    private double neighbours(float[] image, float[] target, float[] slope, int line, int step) {
        long pairs = (long) (image.length / line) * (line - step);
        if (pairs == 0 || gradient == 0) {
            return 0;
        }
        double weight = gradient / pairs;
        double loss = 0;
        for (int first = 0; first < image.length; first += line) {
            for (int i = first + step; i < first + line; i++) {
                float difference = image[i] - image[i - step] - (target[i] - target[i - step]);
                loss += weight * Math.abs(difference);
                float sign = (float) weight * Math.signum(difference);
                slope[i] += sign;
                slope[i - step] -= sign;
            }
        }
        return loss;
    }

    private double colours(int c, float[] image, float[] target, float[] slope) {
        double weight = chroma / ((double) image.length / c * COLOURS);
        double loss = 0;
        for (int pixel = 0; pixel < image.length; pixel += c) {
            float mean = 0;
            for (int i = pixel; i < pixel + COLOURS; i++) {
                mean += (image[i] - target[i]) / COLOURS;
            }
            float signs = 0;
            for (int i = pixel; i < pixel + COLOURS; i++) {
                float difference = image[i] - target[i] - mean;
                loss += weight * Math.abs(difference);
                float sign = (float) weight * Math.signum(difference);
                slope[i] += sign;
                signs += sign;
            }
            for (int i = pixel; i < pixel + COLOURS; i++) {
                slope[i] -= signs / COLOURS;
            }
        }
        return loss;
    }

    /** In words, for a run's description. */
    String description() {
        return "absolute %s, gradient %s, chroma %s, divergence %s"
                .formatted(absolute, gradient, chroma, divergence);
    }
}
