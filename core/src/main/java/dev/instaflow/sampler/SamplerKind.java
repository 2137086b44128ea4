package dev.instaflow.sampler;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** The samplers by their names in the field, with what each can work on. */
public enum SamplerKind {
    /** Euler's method on a rectified flow: InstaFlow in one step, 2-rectified flow in several. */
    RF_EULER(Family.FLOW),
    /** Heun's method on a rectified flow: order 2, two network calls a step. */
    RF_HEUN(Family.FLOW),
    /** Dormand-Prince 5(4) on a rectified flow, with an adaptive step for each image. */
    RK45(Family.FLOW),
    /** Song et al. 2020, "Denoising Diffusion Implicit Models"; eta adds noise. */
    DDIM(Family.DIFFUSION),
    /** Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds". */
    PLMS(Family.DIFFUSION),
    /** Euler's method in sigma: Karras et al. 2022, algorithm 2 without churn, order 1. */
    EULER(Family.SIGMA),
    /** Euler's method with fresh noise at each step. */
    EULER_ANCESTRAL(Family.SIGMA),
    /** Heun's method in sigma: Karras et al. 2022, algorithm 2 without churn. */
    HEUN(Family.SIGMA),
    /** Lu et al. 2022, "DPM-Solver++", the multistep method of order 2. */
    DPMPP_2M(Family.SIGMA);

    private enum Family {
        FLOW,
        DIFFUSION,
        SIGMA
    }

    private final Family family;

    SamplerKind(Family family) {
        this.family = family;
    }

    /**
     * As on the command line and in metadata.
     *
     * @return such as {@code dpmpp-2m}
     */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * The kind of a name.
     *
     * @param label as {@link #label()} gives it
     * @return the kind
     * @throws IllegalArgumentException for another name; the message lists the known ones
     */
    public static SamplerKind of(String label) {
        for (SamplerKind kind : values()) {
            if (kind.label().equals(label)) {
                return kind;
            }
        }
        throw new IllegalArgumentException(
                "unknown sampler \""
                        + label
                        + "\"; known are "
                        + labels(EnumSet.allOf(SamplerKind.class)));
    }

    /**
     * What a model gets where nobody names a sampler.
     *
     * @param prediction the model's
     * @return {@link #RF_EULER} for flows, {@link #DDIM} for the others
     */
    public static SamplerKind defaultFor(Prediction prediction) {
        return prediction == Prediction.FLOW ? RF_EULER : DDIM;
    }

    /**
     * The models that it works on.
     *
     * @return a set of predictions
     */
    public Set<Prediction> predictions() {
        return family == Family.FLOW
                ? EnumSet.of(Prediction.FLOW)
                : EnumSet.of(Prediction.EPSILON, Prediction.V);
    }

    /**
     * Refuses a model that it would turn into a blur.
     *
     * @param prediction the model's
     * @throws IllegalArgumentException if {@link #predictions()} lacks it; the message lists the
     *     samplers that fit
     */
    public void requireAccepts(Prediction prediction) {
        if (!predictions().contains(prediction)) {
            Set<SamplerKind> fitting =
                    Arrays.stream(values())
                            .filter(kind -> kind.predictions().contains(prediction))
                            .collect(
                                    Collectors.toCollection(
                                            () -> EnumSet.noneOf(SamplerKind.class)));
            throw new IllegalArgumentException(
                    "sampler %s works on models that predict %s, this model predicts %s; use %s"
                            .formatted(
                                    label(),
                                    predictions().stream()
                                            .map(Prediction::label)
                                            .collect(Collectors.joining(" or ")),
                                    prediction.label(),
                                    labels(fitting)));
        }
    }

    /**
     * How its labels are spaced where nobody says: as diffusers does with Stable Diffusion's settings.
     *
     * @return {@link StepSpacing#LEADING} for DDIM and PLMS
     */
    public StepSpacing defaultSpacing() {
        return family == Family.DIFFUSION ? StepSpacing.LEADING : StepSpacing.LINSPACE;
    }

    /** Whether its noise levels can be chosen apart from the labels. */
    boolean takesSigmaSpacing() {
        return family == Family.SIGMA;
    }

    private static String labels(Set<SamplerKind> kinds) {
        return kinds.stream().map(SamplerKind::label).collect(Collectors.joining(", "));
    }
}
