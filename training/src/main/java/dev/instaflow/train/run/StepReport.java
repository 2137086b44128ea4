package dev.instaflow.train.run;

/**
 * What a step did.
 *
 * @param step its number, the first is 1
 * @param loss mean over its passes
 * @param gradientNorm before clipping
 * @param learningRate that it used
 */
public record StepReport(long step, double loss, double gradientNorm, double learningRate) {}
