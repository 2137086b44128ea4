package dev.instaflow.sampler;

/**
 * The step size of one image in {@link Rk45Sampler}: the rules of scipy's {@code solve_ivp}, method
 * RK45. Hairer, Norsett and Wanner, "Solving Ordinary Differential Equations I", sections II.4.
 */
final class StepControl {
    private static final double SAFETY = 0.9;
    private static final double MIN_FACTOR = 0.2;
    private static final double MAX_FACTOR = 10;
    // The embedded method that estimates the error has order 4.
    private static final double EXPONENT = 1.0 / 5;
    private static final double END = 1;

    private double time;
    private double size;
    private boolean rejected;

    StepControl(double start) {
        time = start;
    }

    double time() {
        return time;
    }

    boolean finished() {
        return time >= END;
    }

    /** What is left, for the choice of the first step. */
    double left() {
        return END - time;
    }

    /** Sets the first step. */
    void begin(double first) {
        size = Math.min(first, left());
    }

    /** The step to try now; 0 once finished. */
    double tried() {
        if (finished()) {
            return 0;
        }
        double least = 10 * Math.ulp(time);
        if (rejected && size < least) {
            throw new IllegalStateException(
                    "rk45: the step size fell below %s at time %s; the velocity is not smooth enough"
                            .formatted(least, time));
        }
        return Math.min(Math.max(size, least), left());
    }

    /**
     * Judges the step.
     *
     * @param error its norm in units of the tolerance
     * @return whether it was taken
     */
    boolean judge(double error) {
        double step = tried();
        if (error < 1) {
            double factor =
                    error == 0
                            ? MAX_FACTOR
                            : Math.min(MAX_FACTOR, SAFETY * Math.pow(error, -EXPONENT));
            size = step * (rejected ? Math.min(1, factor) : factor);
            time = step == left() ? END : time + step;
            rejected = false;
            return true;
        }
        size = step * Math.max(MIN_FACTOR, SAFETY * Math.pow(error, -EXPONENT));
        rejected = true;
        return false;
    }
}
