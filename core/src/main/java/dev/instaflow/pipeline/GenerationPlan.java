package dev.instaflow.pipeline;

import dev.instaflow.model.ModelCard;
import dev.instaflow.model.RequestLimits;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;

/**
 * A request with everything filled in from the model's card, and found to agree with it.
 *
 * @param request what was asked for
 * @param sampler with its number of steps
 * @param guidance on or off
 * @param width columns, in pixels
 * @param height rows, in pixels
 * @param factor pixels of a latent pixel, in both directions
 */
record GenerationPlan(
        GenerationRequest request,
        SamplerSettings sampler,
        Guidance guidance,
        int width,
        int height,
        int factor) {
    /** Larger images need more memory than a JVM array can address. */
    private static final int MOST_PIXELS_A_SIDE = 8192;

    static GenerationPlan of(ModelCard card, int factor, GenerationRequest request) {
        RequestLimits limits = card.limits();
        GenerationRequest.Sampling asked = request.sampling();
        SamplerKind kind =
                asked.sampler().orElse(SamplerKind.defaultFor(card.traits().prediction()));
        kind.requireAccepts(card.traits().prediction());
        int steps = asked.steps().orElse(limits.defaultSteps());
        Guidance guidance = new Guidance(asked.guidance().orElse(limits.defaultGuidance()));
        if (request.cardPolicy() == GenerationRequest.CardPolicy.OBEY) {
            checkAgainst(card, kind, steps);
            checkAgainst(card, guidance, request.negativePrompt());
        }
        int width = side("width", request.size().width(), card.image().width(), factor);
        int height = side("height", request.size().height(), card.image().height(), factor);
        return new GenerationPlan(
                request, SamplerSettings.of(kind, steps), guidance, width, height, factor);
    }

    private static void checkAgainst(ModelCard card, SamplerKind kind, int steps) {
        RequestLimits limits = card.limits();
        boolean asksBetween = kind == SamplerKind.RK45 || kind == SamplerKind.RF_HEUN;
        if (limits.maxSteps() == 1 && asksBetween) {
            throw contradiction(
                    card,
                    "was made for 1 step, sampler %s asks it about times between"
                            .formatted(kind.label()));
        }
        if (steps < limits.minSteps() || steps > limits.maxSteps()) {
            throw contradiction(
                    card, "was made for %s, the request has %d".formatted(stepsOf(limits), steps));
        }
    }

    private static void checkAgainst(ModelCard card, Guidance guidance, String negativePrompt) {
        RequestLimits limits = card.limits();
        if (guidance.isOn() && guidance.scale() > limits.maxGuidance()) {
            String most =
                    limits.allowsGuidance()
                            ? "takes guidance up to " + limits.maxGuidance()
                            : "must run without guidance, which was distilled into its weights";
            throw contradiction(card, most + "; the request has " + guidance.scale());
        }
        if (!negativePrompt.isEmpty() && !guidance.isOn()) {
            throw contradiction(
                    card, "runs without guidance here, so a negative prompt would do nothing");
        }
    }

    private static String stepsOf(RequestLimits limits) {
        if (limits.maxSteps() == 1) {
            return "1 step";
        }
        return limits.minSteps() + " to " + limits.maxSteps() + " steps";
    }

    private static IllegalArgumentException contradiction(ModelCard card, String what) {
        return new IllegalArgumentException(
                "model \"%s\" %s; leave the option out, or force it (CardPolicy.OVERRIDE, --force)"
                        .formatted(card.identity().name(), what));
    }

    private static int side(String name, int asked, int usual, int factor) {
        int size = asked == 0 ? usual : asked;
        if (size % factor != 0 || size > MOST_PIXELS_A_SIDE) {
            throw new IllegalArgumentException(
                    "%s %d should be a multiple of %d, at most %d"
                            .formatted(name, size, factor, MOST_PIXELS_A_SIDE));
        }
        return size;
    }

    int latentHeight() {
        return height / factor;
    }

    int latentWidth() {
        return width / factor;
    }
}
