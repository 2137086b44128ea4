package dev.instaflow.train.run;

import dev.instaflow.train.Tape;
import dev.instaflow.train.objective.Loss;
import dev.instaflow.train.objective.Objective;
import dev.instaflow.train.optim.LearningRate;

/**
 * What a run does at each step.
 *
 * @param seed of everything random
 * @param batch examples of a backward pass
 * @param passes whose gradients are averaged in a step
 * @param objective makes problems of examples
 * @param loss judges the answers
 * @param learningRate by step
 * @param clipNorm limit of the gradients' norm
 * @param emaDecay share of the average that is kept in the long run
 * @param captions how captions are drawn
 * @param memory what becomes of results inside the UNet's blocks
 */
public record TrainingSettings(
        long seed,
        int batch,
        int passes,
        Objective objective,
        Loss loss,
        LearningRate learningRate,
        double clipNorm,
        double emaDecay,
        CaptionChoice captions,
        Tape.Memory memory) {
    /** Checks the numbers. */
    public TrainingSettings {
        if (batch < 1 || passes < 1 || !(clipNorm > 0)) {
            throw new IllegalArgumentException(
                    "training with batch %d, %d passes, clip norm %s; all must be above 0"
                            .formatted(batch, passes, clipNorm));
        }
    }

    /**
     * What a step does with the gradients.
     *
     * @return the part of these settings that has nothing to do with latents
     */
    public StepSettings ofStep() {
        return new StepSettings(seed, passes, learningRate, clipNorm, emaDecay);
    }

    /**
     * The usual ones: a single pass, squared error, gradients clipped at 1, average of 0.9999, a tenth of
     * the captions dropped.
     *
     * @param seed of everything random
     * @param batch examples of a step
     * @param objective makes problems of examples
     * @param learningRate by step
     * @return to be changed by the {@code with} methods
     */
    public static TrainingSettings of(
            long seed, int batch, Objective objective, LearningRate learningRate) {
        return new TrainingSettings(
                seed,
                batch,
                1,
                objective,
                Loss.SQUARED_ERROR,
                learningRate,
                1,
                0.9999,
                new CaptionChoice(1, 0.1),
                Tape.Memory.KEEP);
    }

    /**
     * Gradient accumulation.
     *
     * @param count backward passes of {@link #batch} examples a step
     * @return a changed copy
     */
    public TrainingSettings withPasses(int count) {
        return new TrainingSettings(
                seed,
                batch,
                count,
                objective,
                loss,
                learningRate,
                clipNorm,
                emaDecay,
                captions,
                memory);
    }

    /**
     * Another judge.
     *
     * @param other a loss
     * @return a changed copy
     */
    public TrainingSettings withLoss(Loss other) {
        return new TrainingSettings(
                seed,
                batch,
                passes,
                objective,
                other,
                learningRate,
                clipNorm,
                emaDecay,
                captions,
                memory);
    }

    /**
     * Another limit.
     *
     * @param limit of the gradients' norm
     * @return a changed copy
     */
    public TrainingSettings withClipNorm(double limit) {
        return new TrainingSettings(
                seed,
                batch,
                passes,
                objective,
                loss,
                learningRate,
                limit,
                emaDecay,
                captions,
                memory);
    }

    /**
     * Another average.
     *
     * @param decay share that is kept in the long run
     * @return a changed copy
     */
    public TrainingSettings withEmaDecay(double decay) {
        return new TrainingSettings(
                seed,
                batch,
                passes,
                objective,
                loss,
                learningRate,
                clipNorm,
                decay,
                captions,
                memory);
    }

    /**
     * Other captions.
     *
     * @param choice how they are drawn
     * @return a changed copy
     */
    public TrainingSettings withCaptions(CaptionChoice choice) {
        return new TrainingSettings(
                seed,
                batch,
                passes,
                objective,
                loss,
                learningRate,
                clipNorm,
                emaDecay,
                choice,
                memory);
    }

    /**
     * Gradient checkpointing.
     *
     * @param kept what becomes of results inside blocks
     * @return a changed copy
     */
    public TrainingSettings withMemory(Tape.Memory kept) {
        return new TrainingSettings(
                seed,
                batch,
                passes,
                objective,
                loss,
                learningRate,
                clipNorm,
                emaDecay,
                captions,
                kept);
    }

    /**
     * Other random numbers.
     *
     * @param other of everything random
     * @return a changed copy
     */
    public TrainingSettings withSeed(long other) {
        return new TrainingSettings(
                other,
                batch,
                passes,
                objective,
                loss,
                learningRate,
                clipNorm,
                emaDecay,
                captions,
                memory);
    }

    /**
     * Other batches.
     *
     * @param examples of a backward pass
     * @return a changed copy
     */
    public TrainingSettings withBatch(int examples) {
        return new TrainingSettings(
                seed,
                examples,
                passes,
                objective,
                loss,
                learningRate,
                clipNorm,
                emaDecay,
                captions,
                memory);
    }

    /**
     * Another objective.
     *
     * @param other makes problems of examples
     * @return a changed copy
     */
    public TrainingSettings withObjective(Objective other) {
        return new TrainingSettings(
                seed,
                batch,
                passes,
                other,
                loss,
                learningRate,
                clipNorm,
                emaDecay,
                captions,
                memory);
    }

    /**
     * Another schedule.
     *
     * @param schedule by step
     * @return a changed copy
     */
    public TrainingSettings withLearningRate(LearningRate schedule) {
        return new TrainingSettings(
                seed, batch, passes, objective, loss, schedule, clipNorm, emaDecay, captions,
                memory);
    }
}
