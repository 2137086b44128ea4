package dev.instaflow.train.evaluate;

import dev.instaflow.train.evaluate.metric.StylePurity;
import java.util.List;
import java.util.Optional;

/**
 * What is measured of one sample.
 *
 * @param ranks of the right emoji among all, the nearest being 1, at each of {@link Retrieval#SIDES}
 * @param nearest index of the nearest item of the gallery
 * @param psnrOnWhite against the caption's nearest picture, decibels
 * @param psnrRgba the same in premultiplied RGBA
 * @param alphaIou against the same picture
 * @param border transparency
 * @param borderOfTruth that of the same picture
 * @param sharpness ratio to the same picture
 * @param toTruth distance to the same picture, RMS
 * @param purity if the caption has several pictures
 * @param training the nearest picture that models are trained on, if there is one
 */
public record SampleScores(
        List<Integer> ranks,
        int nearest,
        double psnrOnWhite,
        double psnrRgba,
        double alphaIou,
        double border,
        double borderOfTruth,
        double sharpness,
        double toTruth,
        Optional<StylePurity> purity,
        Optional<Neighbour> training) {
    /**
     * A picture of the gallery.
     *
     * @param item its index
     * @param distance RMS
     */
    public record Neighbour(int item, double distance) {}
}
