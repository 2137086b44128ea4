package dev.instaflow.sampler;

/**
 * Which float a flow network is given for a time. Time is in [0,1], 0 = noise, 1 = image; the two
 * published programs label it in opposite directions and on different scales.
 */
public enum TimeLabelRule {
    /** {@code (1 - time) * 1000}, a real number: InstaFlow and 2-rectified flow of Stable Diffusion. */
    INSTAFLOW(0) {
        @Override
        public float label(double time) {
            return (float) ((1 - checked(time)) * 1000);
        }
    },

    /** {@code time * 999} from time 0.001 on: the RectifiedFlow repository's image models. */
    RECTIFIED_FLOW_REPO(1e-3) {
        @Override
        public float label(double time) {
            return (float) (checked(time) * 999);
        }
    };

    private final double firstTime;

    TimeLabelRule(double firstTime) {
        this.firstTime = firstTime;
    }

    /**
     * What the network sees.
     *
     * @param time in [0,1], 0 = noise, 1 = image
     * @return the label
     * @throws IllegalArgumentException if {@code time} is outside [0,1]
     */
    public abstract float label(double time);

    /**
     * The time at which such a network is asked about pure noise.
     *
     * @return 0, or the small number that the program starts at
     */
    public double firstTime() {
        return firstTime;
    }

    private static double checked(double time) {
        if (!(time >= 0 && time <= 1)) {
            throw new IllegalArgumentException(
                    "flow time " + time + " is outside [0,1] (0 = noise, 1 = image)");
        }
        return time;
    }
}
