package dev.instaflow.train.evaluate;

import dev.instaflow.train.evaluate.metric.Distribution;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is measured of all samples of a split.
 *
 * @param captions how many
 * @param samples how many
 * @param found at each size, the largest first
 * @param psnrOnWhite decibels against the nearest true picture of the caption
 * @param shareFrom20 the share of samples of 20 decibels and more
 * @param psnrRgba the same in premultiplied RGBA
 * @param alphaIou overlap of what is opaque
 * @param border transparency of the outermost pixels
 * @param borderOfTruth that of the true pictures
 * @param diversity mean pairwise RMS distance of the seeds, by caption
 * @param sharpness gradient energy against the truth's
 * @param styles of the captions with several pictures, if there are some
 * @param novelty of held-out captions: distances to the pictures that models are trained on
 */
public record SplitScores(
        int captions,
        int samples,
        List<FoundShare> found,
        Distribution psnrOnWhite,
        double shareFrom20,
        Distribution psnrRgba,
        Distribution alphaIou,
        Distribution border,
        Distribution borderOfTruth,
        Distribution diversity,
        Distribution sharpness,
        Optional<StyleScores> styles,
        Optional<NoveltyScores> novelty) {
    /**
     * How often the right emoji is found.
     *
     * @param side of the pictures
     * @param top1 share of samples whose nearest emoji is the right one
     * @param top5 share of samples with the right emoji among the five nearest
     */
    public record FoundShare(int side, double top1, double top5) {}

    /**
     * How clean the styles are.
     *
     * @param captions with several different pictures
     * @param samples of them
     * @param pure share of samples nearer to a style than to the mean of the styles
     * @param toNearest RMS distance to the nearest style
     * @param toMean RMS distance to the mean of the styles
     * @param blend 0 at a style, 1 in the middle between two
     * @param shares share of samples for which a style is the nearest, by its name
     * @param several share of captions whose seeds do not all have the same nearest style
     */
    public record StyleScores(
            int captions,
            int samples,
            double pure,
            Distribution toNearest,
            Distribution toMean,
            Distribution blend,
            Map<String, Double> shares,
            double several) {}

    /**
     * How near samples are to what models are trained on.
     *
     * @param toTraining RMS distance to the nearest training picture
     * @param toTruth RMS distance to the caption's own nearest picture
     * @param nearerToTraining share of samples that are strictly nearer to a training picture
     * @param truthToTraining RMS distance of the captions' own pictures to the training picture nearest to
     *     each, for comparison
     */
    public record NoveltyScores(
            Distribution toTraining,
            Distribution toTruth,
            double nearerToTraining,
            Distribution truthToTraining) {}
}
