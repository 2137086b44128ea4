package dev.instaflow.train.recipe;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.model.ModelCard;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.train.Tape;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.lora.AdapterSettings;
import dev.instaflow.train.objective.Diffusion;
import dev.instaflow.train.objective.Objective;
import dev.instaflow.train.objective.RectifiedFlow;
import dev.instaflow.train.objective.SegmentDistillation;
import dev.instaflow.train.objective.TimeDistribution;
import dev.instaflow.train.optim.AdamW;
import dev.instaflow.train.optim.LearningRate;
import dev.instaflow.train.optim.Muon;
import dev.instaflow.train.optim.Optimizer;
import dev.instaflow.train.run.CaptionChoice;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** What settings say of a step: what is asked of the network, how it is judged, what changes and how far. */
final class StepChoices {
    static final Map<String, Tape.Memory> MEMORY =
            Map.of("keep", Tape.Memory.KEEP, "recompute", Tape.Memory.RECOMPUTE);

    private static final Map<String, TimeLabelRule> LABELS =
            Map.of(
                    CardJson.label(TimeLabelRule.INSTAFLOW),
                    TimeLabelRule.INSTAFLOW,
                    CardJson.label(TimeLabelRule.RECTIFIED_FLOW_REPO),
                    TimeLabelRule.RECTIFIED_FLOW_REPO);

    private StepChoices() {}

    /** What the objective key says, for a model of that card. */
    static Objective objective(Section settings, ModelCard card) throws IOException {
        String kind = kind(settings);
        boolean flowCard = card.traits().prediction() == Prediction.FLOW;
        if (kind.equals("diffusion")) {
            if (flowCard) {
                throw settings.bad(
                        "kind", "is diffusion, but the model's card says that it is a flow");
            }
            return new Diffusion(card.traits().noiseSchedule(), card.traits().prediction());
        }
        if (!flowCard) {
            throw settings.bad(
                    "kind",
                    "is %s, but the model's card says that it predicts %s; give model.card 2-rf to make a flow of it"
                            .formatted(kind, card.traits().prediction().label()));
        }
        TimeLabelRule rule =
                settings.text("labels").equals("card")
                        ? card.traits().timeLabelRule()
                        : settings.choice("labels", LABELS);
        return switch (kind) {
            case "one-step" -> RectifiedFlow.oneStep(rule);
            case "k-step" -> new SegmentDistillation(rule, settings.count("steps", 1));
            default -> new RectifiedFlow(rule, times(settings));
        };
    }

    private static String kind(Section settings) {
        return settings.choice(
                "kind",
                Map.of(
                        "flow", "flow",
                        "one-step", "one-step",
                        "k-step", "k-step",
                        "diffusion", "diffusion"));
    }

    private static TimeDistribution times(Section settings) throws IOException {
        List<Section> parts = settings.list("times", "times", "kind");
        if (parts.isEmpty()) {
            throw settings.bad("times", "is empty; at least one distribution is needed");
        }
        int last = parts.size() - 1;
        TimeDistribution mixture = time(parts.get(last));
        double below = parts.get(last).amount("share");
        for (int i = last - 1; i >= 0; i--) {
            double share = parts.get(i).amount("share");
            below += share;
            double part = share / below;
            TimeDistribution rest = mixture;
            TimeDistribution own = time(parts.get(i));
            mixture = parts.get(i).build(() -> own.mixedWith(part, rest));
        }
        return mixture;
    }

    private static TimeDistribution time(Section part) {
        Map<String, Function<Section, TimeDistribution>> kinds =
                Map.of(
                        "uniform",
                        s -> TimeDistribution.uniform(),
                        "logit-normal",
                        s -> TimeDistribution.logitNormal(s.number("mean"), s.number("deviation")),
                        "at",
                        s -> TimeDistribution.at(s.number("at")));
        Function<Section, TimeDistribution> kind = part.choice("kind", kinds);
        return part.build(() -> kind.apply(part));
    }

    /** Everything that can be told without a model, so that a wrong word ends no run after hours. */
    static void check(Section settings) throws IOException {
        settings.count("batch", 1);
        settings.count("passes", 1);
        int steps = settings.count("steps", 1);
        optimizer(settings.at("optimizer"));
        learningRate(settings.at("learningRate"), steps);
        captions(settings.at("captions"));
        settings.choice("memory", MEMORY);
        trained(settings, "trained");
        lora(settings.at("lora"), settings.whole("seed"));
        Section objective = settings.at("objective");
        kind(objective);
        times(objective);
        if (!objective.text("labels").equals("card")) {
            objective.choice("labels", LABELS);
        }
        settings.at("export").choice("dtype", ModelFolder.DTYPES);
        settings.at("export").choice("weights", Models.WEIGHTS);
        settings.at("checkpoints").count("keep", 1);
    }

    /** Made once a backend is open. */
    static Function<TrainingBackend, Optimizer> optimizer(Section settings) {
        AdamW.Settings adam =
                settings.build(
                        () ->
                                new AdamW.Settings(
                                        settings.number("beta1"),
                                        settings.number("beta2"),
                                        settings.number("eps"),
                                        settings.number("weightDecay")));
        Muon.Settings muon =
                settings.build(
                        () ->
                                new Muon.Settings(
                                        settings.number("momentum"),
                                        settings.number("muonDecay"),
                                        settings.number("restRate"),
                                        adam));
        return settings.choice(
                "kind",
                Map.of(
                        "adamw",
                        backend -> new AdamW(adam),
                        "muon",
                        backend -> new Muon(muon, backend)));
    }

    static LearningRate learningRate(Section settings, int steps) {
        double from = settings.amount("from");
        LearningRate constant =
                settings.build(() -> LearningRate.constant(settings.number("rate")));
        int warmup = settings.count("warmup", 0);
        LearningRate warm = warmup == 0 ? constant : constant.warmedUpOver(warmup);
        Map<String, Function<LearningRate, LearningRate>> falls =
                Map.of(
                        "none",
                        rate -> rate,
                        "linear",
                        rate -> rate.fallingLinearly(Math.round(steps * from), steps),
                        "cosine",
                        rate -> rate.fallingAsCosine(steps, settings.number("end")));
        Function<LearningRate, LearningRate> fall = settings.choice("fall", falls);
        return settings.build(() -> fall.apply(warm));
    }

    static CaptionChoice captions(Section settings) {
        return settings.build(
                () -> new CaptionChoice(settings.number("labelShare"), settings.number("dropout")));
    }

    /** A set by its name, or of the weights in whose names a regular expression is found. */
    static TrainableSet trained(Section settings, String key) {
        String name = settings.text(key);
        try {
            return name.length() > 1 && name.startsWith("/") && name.endsWith("/")
                    ? TrainableSet.matching(
                            name, Pattern.compile(name.substring(1, name.length() - 1)))
                    : TrainableSet.named(name);
        } catch (PatternSyntaxException e) {
            throw settings.bad(key, "is no regular expression: " + e.getDescription());
        } catch (IllegalArgumentException e) {
            throw settings.bad(key, e.getMessage());
        }
    }

    /** Empty if weights themselves are trained. */
    static Optional<AdapterSettings> lora(Section settings, long seed) {
        int rank = settings.count("rank", 0);
        if (rank == 0) {
            return Optional.empty();
        }
        double alpha = settings.amount("alpha");
        TrainableSet targets =
                switch (settings.text("targets")) {
                    case "attention" -> AdapterSettings.ATTENTION;
                    case "transformers" -> AdapterSettings.TRANSFORMERS;
                    default -> trained(settings, "targets");
                };
        return Optional.of(
                settings.build(
                        () -> new AdapterSettings(rank, alpha == 0 ? rank : alpha, targets, seed)));
    }
}
