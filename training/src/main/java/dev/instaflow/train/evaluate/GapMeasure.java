package dev.instaflow.train.evaluate;

import dev.instaflow.image.Pixels;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;
import dev.instaflow.train.evaluate.GapScores.StraightnessScores;
import dev.instaflow.train.evaluate.metric.Distribution;
import dev.instaflow.train.evaluate.metric.Picture;
import dev.instaflow.train.evaluate.metric.Straightness;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;

/** Walks from the same noise in one step and in many. Serves one thread. */
final class GapMeasure {
    /** Captions whose states are in memory at once. */
    private static final int CHUNK = 4;

    private final Painter painter;
    private final Manner once;
    private final Manner many;
    private final boolean isFlow;
    private final List<Double> latent = new ArrayList<>();
    private final List<Double> pixel = new ArrayList<>();
    private final double[] byTime;
    private double covered;

    /**
     * A measure.
     *
     * @param painter draws
     * @param usual sampler and guidance that the model is asked with
     * @param steps of the long way
     */
    GapMeasure(Painter painter, Manner usual, int steps) {
        this.painter = painter;
        SamplerKind kind = usual.sampler().kind();
        this.once = new Manner(SamplerSettings.of(kind, 1), usual.guidance());
        this.many = new Manner(SamplerSettings.of(kind, steps), usual.guidance());
        this.isFlow = painter.card().traits().prediction() == Prediction.FLOW;
        this.byTime = new double[steps];
    }

    /** Nothing if there are no captions. */
    Optional<GapScores> of(List<String> captions, int seeds, Evaluation.Part part) {
        for (int from = 0; from < captions.size(); from += CHUNK) {
            int to = Math.min(from + CHUNK, captions.size());
            add(captions.subList(from, to), seeds);
            part.done((double) to / captions.size());
        }
        return captions.isEmpty() ? Optional.empty() : Optional.of(scores(captions.size()));
    }

    private void add(List<String> captions, int seeds) {
        List<Painter.Way> shortWays = painter.walk(captions, seeds, once);
        List<Painter.Way> longWays = painter.walk(captions, seeds, many);
        List<Pixels> after1 = painter.decode(ends(shortWays));
        List<Pixels> afterMany = painter.decode(ends(longWays));
        for (int i = 0; i < longWays.size(); i++) {
            Painter.Way way = longWays.get(i);
            latent.add(Straightness.rms(shortWays.get(i).end(), way.end()));
            pixel.add(Picture.of(after1.get(i)).rmsTo(Picture.of(afterMany.get(i))));
            double[] own = Straightness.byTime(way.states());
            for (int k = 0; k < byTime.length; k++) {
                byTime[k] += own[k];
            }
            covered += Math.pow(Straightness.rms(way.states()[0], way.end()), 2);
        }
    }

    private static List<float[]> ends(List<Painter.Way> ways) {
        return ways.stream().map(Painter.Way::end).toList();
    }

    private GapScores scores(int captions) {
        int samples = latent.size();
        return new GapScores(
                captions,
                samples,
                byTime.length,
                byTime.length > painter.card().limits().maxSteps(),
                distribution(latent),
                distribution(pixel),
                isFlow ? Optional.of(straightness(samples)) : Optional.empty());
    }

    private StraightnessScores straightness(int samples) {
        double mean = DoubleStream.of(byTime).sum() / byTime.length;
        return new StraightnessScores(
                mean / samples,
                covered == 0 ? 0 : mean / covered,
                DoubleStream.of(byTime).map(sum -> sum / samples).boxed().toList());
    }

    private static Distribution distribution(List<Double> values) {
        return Distribution.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}
