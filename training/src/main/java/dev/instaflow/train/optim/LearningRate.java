package dev.instaflow.train.optim;

/** The learning rate of each step, counted from 0. */
public interface LearningRate {
    /**
     * The rate of a step.
     *
     * @param step at least 0
     * @return at least 0
     */
    double at(long step);

    /**
     * What it is, in words that a checkpoint keeps: a run is continued only by a schedule of the same ones.
     *
     * @return different for schedules that differ at any step
     */
    String description();

    /**
     * Always the same.
     *
     * @param rate above 0
     * @return the schedule
     */
    static LearningRate constant(double rate) {
        if (!(rate > 0)) {
            throw new IllegalArgumentException("learning rate " + rate + " is not positive");
        }
        return new Schedule(step -> rate, "constant " + rate);
    }

    /**
     * From {@code 1/steps} of this schedule linearly to all of it.
     *
     * @param steps how long; 0 for none
     * @return the schedule with a warm-up
     */
    default LearningRate warmedUpOver(long steps) {
        return new Schedule(
                step -> at(step) * (step < steps ? (step + 1.0) / steps : 1),
                description() + ", warmed up over " + steps + " steps");
    }

    /**
     * Multiplied by a factor that falls linearly from 1 to 0.
     *
     * @param first the step until which the factor is 1
     * @param last the step from which on it is 0
     * @return the schedule with an end
     */
    default LearningRate fallingLinearly(long first, long last) {
        if (first < 0 || last <= first) {
            throw new IllegalArgumentException(
                    "fall from step " + first + " to " + last + ", expected 0 <= first < last");
        }
        return new Schedule(
                step -> at(step) * clamp((double) (last - step) / (last - first)),
                description() + ", falling linearly from step " + first + " to " + last);
    }

    /**
     * Multiplied by half a cosine from 1 to a share. Loshchilov and Hutter 2017, "SGDR".
     *
     * @param last the step from which on the rate stays at the share
     * @param share of the rate at the end, in [0,1]
     * @return the schedule with an end
     */
    default LearningRate fallingAsCosine(long last, double share) {
        if (last < 1 || !(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "fall to a share of %s at step %d, expected a share in [0,1] and a step of at least 1"
                            .formatted(share, last));
        }
        return new Schedule(
                step -> {
                    double done = clamp((double) step / last);
                    double wave = (1 + StrictMath.cos(Math.PI * done)) / 2;
                    return at(step) * (share + (1 - share) * wave);
                },
                description() + ", falling as a cosine to " + share + " at step " + last);
    }

    private static double clamp(double x) {
        return Math.min(1, Math.max(0, x));
    }
}
