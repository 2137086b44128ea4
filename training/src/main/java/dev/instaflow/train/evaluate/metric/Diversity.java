package dev.instaflow.train.evaluate.metric;

import java.util.List;

/** How much the samples of one caption differ from seed to seed. */
public final class Diversity {
    private Diversity() {}

    /**
     * The mean distance of all pairs.
     *
     * @param samples of one caption
     * @return 0 to 1; 0 for a single sample
     */
    public static double meanPairwiseRms(List<Picture> samples) {
        double sum = 0;
        int pairs = 0;
        for (int i = 0; i < samples.size(); i++) {
            for (int j = 0; j < i; j++) {
                sum += samples.get(i).rmsTo(samples.get(j));
                pairs++;
            }
        }
        return pairs == 0 ? 0 : sum / pairs;
    }
}
