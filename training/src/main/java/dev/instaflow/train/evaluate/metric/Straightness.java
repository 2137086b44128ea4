package dev.instaflow.train.evaluate.metric;

/**
 * How straight the way of a flow is: {@code S = mean over t of E|(z1 - z0) - v(z_t, t)|^2}, zero for straight
 * lines walked at an even pace, for which one step is enough. Liu et al. 2022, "Flow Straight and Fast",
 * section 3. Here a mean over the latent's numbers where the paper has a sum, so that sizes can be compared.
 */
public final class Straightness {
    private Straightness() {}

    /**
     * One way, walked in even Euler steps; the velocities are the differences of its states.
     *
     * @param states of N + 1 times, from noise to picture; at least two, of equal lengths
     * @return N values, the mean square at the beginning of each step
     */
    public static double[] byTime(float[][] states) {
        int steps = states.length - 1;
        float[] first = states[0];
        float[] last = states[steps];
        double[] byTime = new double[steps];
        for (int i = 0; i < steps; i++) {
            double sum = 0;
            for (int k = 0; k < first.length; k++) {
                double velocity = ((double) states[i + 1][k] - states[i][k]) * steps;
                double difference = (double) last[k] - first[k] - velocity;
                sum += difference * difference;
            }
            byTime[i] = sum / first.length;
        }
        return byTime;
    }

    /**
     * The distance of two latents.
     *
     * @param a numbers
     * @param b as many
     * @return root of the mean squared difference
     */
    public static double rms(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            double difference = (double) a[i] - b[i];
            sum += difference * difference;
        }
        return Math.sqrt(sum / a.length);
    }
}
