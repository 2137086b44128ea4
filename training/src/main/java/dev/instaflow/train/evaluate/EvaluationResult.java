package dev.instaflow.train.evaluate;

import java.util.List;

/**
 * All that an evaluation found out.
 *
 * @param device where it was computed
 * @param settings how much was asked
 * @param gallery the true pictures
 * @param asked indices of the subjects that were asked, in their order
 * @param shown indices of those that are shown
 * @param models in the order given
 */
public record EvaluationResult(
        String device,
        EvaluationSettings settings,
        Gallery gallery,
        List<Integer> asked,
        List<Integer> shown,
        List<ModelResult> models) {}
