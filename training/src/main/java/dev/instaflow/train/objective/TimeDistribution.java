package dev.instaflow.train.objective;

import dev.instaflow.train.RandomStream;

/** Where on the way from noise (0) to image (1) a flow is trained. */
public interface TimeDistribution {
    /**
     * A time.
     *
     * @param random drawn from
     * @return in [0,1]
     */
    double draw(RandomStream random);

    /**
     * What it is, in words that a checkpoint keeps.
     *
     * @return different for different distributions
     */
    String description();

    /**
     * Everywhere alike, as in Liu et al. 2022.
     *
     * @return the distribution
     */
    static TimeDistribution uniform() {
        return new NamedTimes(RandomStream::uniform, "uniform");
    }

    /**
     * The logistic function of a normal number: mostly in the middle. Esser et al. 2024, "Scaling
     * Rectified Flow Transformers for High-Resolution Image Synthesis", section 3.1, where time runs the
     * other way.
     *
     * @param mean above 0 for more of the image's half
     * @param deviation above 0
     * @return the distribution
     */
    static TimeDistribution logitNormal(double mean, double deviation) {
        if (!(deviation > 0)) {
            throw new IllegalArgumentException(
                    "logit-normal deviation " + deviation + ", expected above 0");
        }
        return new NamedTimes(
                random -> 1 / (1 + StrictMath.exp(-(mean + deviation * random.normals(1)[0]))),
                "logit-normal of mean " + mean + " and deviation " + deviation);
    }

    /**
     * One time alone.
     *
     * @param time in [0,1]; 0 trains one-step generation
     * @return the distribution
     */
    static TimeDistribution at(double time) {
        if (!(time >= 0 && time <= 1)) {
            throw new IllegalArgumentException("flow time " + time + ", expected in [0,1]");
        }
        return new NamedTimes(random -> time, "at " + time);
    }

    /**
     * The start of each of k equal steps, as the RectifiedFlow repository trains k-step students.
     *
     * @param k at least 1
     * @return times 0, 1/k, ..., (k-1)/k, each alike
     */
    static TimeDistribution startOfEachStep(int k) {
        if (k < 1) {
            throw new IllegalArgumentException(k + " steps, expected at least 1");
        }
        return new NamedTimes(
                random -> (double) random.index(k) / k, "at the starts of " + k + " steps");
    }

    /**
     * Sometimes this one, else another.
     *
     * @param share how often this one, in [0,1]
     * @param other else
     * @return the mixture
     */
    default TimeDistribution mixedWith(double share, TimeDistribution other) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "share " + share + " of a mixture, expected in [0,1]");
        }
        return new NamedTimes(
                random -> random.uniform() < share ? draw(random) : other.draw(random),
                "(%s) at a share of %s, else (%s)"
                        .formatted(description(), share, other.description()));
    }
}
