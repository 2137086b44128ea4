package dev.instaflow.train.evaluate;

import dev.instaflow.backend.Backend;
import dev.instaflow.image.Pixels;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.RequestLimits;
import dev.instaflow.pipeline.OpenModel;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.Gallery.Subject;
import dev.instaflow.train.evaluate.metric.Picture;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Asks models and measures what they draw. The same models, collections and settings give the same numbers
 * on the same backend, whatever else is evaluated beside them; only the times differ. Serves one thread.
 */
public final class Evaluation {
    /** Captions that are drawn, and searched for, together. */
    private static final int CHUNK = 16;

    private final EvaluationSettings settings;
    private final Gallery gallery;
    private final Backend backend;
    private final EvaluationMonitor monitor;

    /**
     * An evaluation.
     *
     * @param settings how much is asked
     * @param gallery the true pictures
     * @param backend computes; stays the caller's
     * @param monitor told how far it is
     */
    public Evaluation(
            EvaluationSettings settings,
            Gallery gallery,
            Backend backend,
            EvaluationMonitor monitor) {
        this.settings = settings;
        this.gallery = gallery;
        this.backend = backend;
        this.monitor = monitor;
    }

    /**
     * Evaluates models one after the other. All are opened once before the first is asked, so that a
     * model that cannot be read is found out at once.
     *
     * @param contestants at least one, of different names
     * @return what was found out
     * @throws IOException if a model cannot be read
     * @throws IllegalArgumentException if a caption is unknown, or a model's pictures cannot be compared
     */
    public EvaluationResult run(List<Contestant> contestants) throws IOException {
        List<Integer> asked =
                settings.captions().of(gallery.subjects()).stream().map(this::index).toList();
        List<Integer> shown = shown(asked);
        requireUsable(contestants);
        List<ModelResult> results = new ArrayList<>();
        try (Retrieval retrieval = Retrieval.among(backend, gallery)) {
            Scoring scoring = new Scoring(gallery, retrieval);
            for (int i = 0; i < contestants.size(); i++) {
                double before = (double) i / contestants.size();
                EvaluationMonitor share =
                        (what, fraction) ->
                                monitor.on(what, before + fraction / contestants.size());
                results.add(evaluate(contestants.get(i), scoring, asked, shown, share));
            }
        }
        return new EvaluationResult(
                backend.description(), settings, gallery, asked, shown, List.copyOf(results));
    }

    private int index(Subject subject) {
        return gallery.items().get(subject.items().get(0)).subject();
    }

    /** As many of each split, by their places alone. */
    private List<Integer> shown(List<Integer> asked) {
        List<Integer> shown = new ArrayList<>();
        for (Split split : Split.values()) {
            List<Integer> ofSplit =
                    asked.stream().filter(i -> gallery.subjects().get(i).split() == split).toList();
            shown.addAll(CaptionSelection.evenly(ofSplit, settings.gridCaptions()));
        }
        return List.copyOf(shown);
    }

    private void requireUsable(List<Contestant> contestants) throws IOException {
        Set<String> names = new HashSet<>();
        for (Contestant contestant : contestants) {
            if (!names.add(contestant.name())) {
                throw new IllegalArgumentException(
                        "two models are called \"%s\"; give them different names"
                                .formatted(contestant.name()));
            }
            try (OpenModel model = open(contestant)) {
                int width = model.card().image().width();
                int height = model.card().image().height();
                if (width != height || width % Picture.SIDE != 0) {
                    throw new IllegalArgumentException(
                            "model %s draws %dx%d pixels; only squares whose side is a multiple of %d are compared"
                                    .formatted(contestant.name(), width, height, Picture.SIDE));
                }
                manner(contestant, model.card());
            }
        }
        if (names.isEmpty()) {
            throw new IllegalArgumentException("no models to evaluate");
        }
    }

    private OpenModel open(Contestant contestant) throws IOException {
        return OpenModel.load(contestant.source(), backend, contestant.weights());
    }

    private static Manner manner(Contestant contestant, ModelCard card) {
        return Manner.of(
                SamplerKind.defaultFor(card.traits().prediction()),
                contestant.steps().orElse(card.limits().defaultSteps()),
                contestant.guidance().orElse(card.limits().defaultGuidance()));
    }

    private ModelResult evaluate(
            Contestant contestant,
            Scoring scoring,
            List<Integer> asked,
            List<Integer> shown,
            EvaluationMonitor share)
            throws IOException {
        try (OpenModel model = open(contestant)) {
            Manner manner = manner(contestant, model.card());
            Painter painter = Painter.of(backend, model);
            List<Integer> both = CaptionSelection.evenly(asked, settings.gapCaptions());
            long drawCalls = (long) asked.size() * manner.sampler().steps();
            long gapCalls = (long) both.size() * (settings.gapSteps() + 1);
            double drawShare = (double) drawCalls / (drawCalls + gapCalls);
            Drawing drawing = new Drawing(painter, manner, scoring, Set.copyOf(shown));
            drawing.run(asked, f -> share.on(contestant.name() + ": captions", f * drawShare));
            GapMeasure measure = new GapMeasure(painter, manner, settings.gapSteps());
            long start = System.nanoTime();
            Optional<GapScores> gap =
                    measure.of(
                            both.stream().map(i -> gallery.subjects().get(i).caption()).toList(),
                            settings.seeds(),
                            f ->
                                    share.on(
                                            contestant.name() + ": one step against many",
                                            drawShare + f * (1 - drawShare)));
            double gapSeconds = seconds(System.nanoTime() - start);
            Map<Split, SplitScores> splits = new EnumMap<>(Split.class);
            for (Split split : Split.values()) {
                scoring.split(split, drawing.scores).ifPresent(s -> splits.put(split, s));
            }
            return new ModelResult(
                    contestant.name(),
                    model.card().identity(),
                    model.weightsSha256(),
                    contestant.weights(),
                    asked(manner, model.card().limits()),
                    splits,
                    gap,
                    List.copyOf(drawing.scores),
                    drawing.pictures,
                    drawing.timing(gapSeconds));
        }
    }

    private static ModelResult.Asked asked(Manner manner, RequestLimits limits) {
        int steps = manner.sampler().steps();
        double guidance = manner.guidance().scale();
        boolean forced =
                steps < limits.minSteps()
                        || steps > limits.maxSteps()
                        || guidance > Math.max(1, limits.maxGuidance());
        return new ModelResult.Asked(manner.sampler().kind().label(), steps, guidance, forced);
    }

    /** Told the share of some work that is done. */
    @FunctionalInterface
    interface Part {
        void done(double fraction);
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    /** One model's pictures on their way to scores. */
    private final class Drawing {
        private final Painter painter;
        private final Manner manner;
        private final Scoring scoring;
        private final Set<Integer> shown;
        private final List<CaptionScores> scores = new ArrayList<>();
        private final Map<Integer, List<Pixels>> pictures = new LinkedHashMap<>();
        private long drawNanos;
        private long compareNanos;

        Drawing(Painter painter, Manner manner, Scoring scoring, Set<Integer> shown) {
            this.painter = painter;
            this.manner = manner;
            this.scoring = scoring;
            this.shown = shown;
        }

        void run(List<Integer> asked, Part part) {
            for (int from = 0; from < asked.size(); from += CHUNK) {
                int to = Math.min(from + CHUNK, asked.size());
                chunk(asked.subList(from, to));
                part.done((double) to / asked.size());
            }
        }

        private void chunk(List<Integer> indices) {
            long start = System.nanoTime();
            List<String> captions =
                    indices.stream().map(i -> gallery.subjects().get(i).caption()).toList();
            List<List<Pixels>> drawn = painter.draw(captions, settings.seeds(), manner);
            long middle = System.nanoTime();
            List<List<Picture>> samples =
                    drawn.stream().map(all -> all.stream().map(Picture::of).toList()).toList();
            scores.addAll(scoring.of(indices, samples));
            for (int i = 0; i < indices.size(); i++) {
                if (shown.contains(indices.get(i))) {
                    pictures.put(
                            indices.get(i),
                            samples.get(i).stream().map(Picture::toPixels).toList());
                }
            }
            drawNanos += middle - start;
            compareNanos += System.nanoTime() - middle;
        }

        ModelResult.Timing timing(double gapSeconds) {
            long images = (long) scores.size() * settings.seeds();
            return new ModelResult.Timing(
                    seconds(drawNanos),
                    images / seconds(drawNanos),
                    seconds(compareNanos),
                    gapSeconds);
        }
    }
}
