package dev.instaflow.train.evaluate;

import java.util.List;

/**
 * What is measured of the samples of one caption.
 *
 * @param subject index of the caption in the gallery
 * @param samples in the order of the seeds
 * @param diversity mean pairwise RMS distance of the samples
 */
public record CaptionScores(int subject, List<SampleScores> samples, double diversity) {}
