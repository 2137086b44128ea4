package dev.instaflow.train.evaluate;

import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.Gallery.Subject;
import dev.instaflow.train.evaluate.SplitScores.FoundShare;
import dev.instaflow.train.evaluate.SplitScores.NoveltyScores;
import dev.instaflow.train.evaluate.SplitScores.StyleScores;
import dev.instaflow.train.evaluate.metric.AlphaShape;
import dev.instaflow.train.evaluate.metric.Distribution;
import dev.instaflow.train.evaluate.metric.Diversity;
import dev.instaflow.train.evaluate.metric.Fidelity;
import dev.instaflow.train.evaluate.metric.Picture;
import dev.instaflow.train.evaluate.metric.Sharpness;
import dev.instaflow.train.evaluate.metric.StylePurity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** From pictures to the scores of samples, and from those to the scores of splits. */
final class Scoring {
    private static final int FEW = 5;
    private static final double GOOD_DECIBELS = 20;

    private final Gallery gallery;
    private final Retrieval retrieval;

    Scoring(Gallery gallery, Retrieval retrieval) {
        this.gallery = gallery;
        this.retrieval = retrieval;
    }

    /**
     * Scores some captions.
     *
     * @param indices of subjects
     * @param samples of each, in the order of the seeds
     */
    List<CaptionScores> of(List<Integer> indices, List<List<Picture>> samples) {
        List<Picture> flat = new ArrayList<>();
        List<Subject> subjects = new ArrayList<>();
        for (int i = 0; i < indices.size(); i++) {
            for (Picture sample : samples.get(i)) {
                flat.add(sample);
                subjects.add(gallery.subjects().get(indices.get(i)));
            }
        }
        List<Retrieval.Found> found = retrieval.find(flat, subjects);
        List<CaptionScores> scores = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < indices.size(); i++) {
            List<SampleScores> ofCaption = new ArrayList<>();
            for (Picture sample : samples.get(i)) {
                ofCaption.add(sample(sample, subjects.get(next), found.get(next)));
                next++;
            }
            double diversity = Diversity.meanPairwiseRms(samples.get(i));
            scores.add(new CaptionScores(indices.get(i), List.copyOf(ofCaption), diversity));
        }
        return scores;
    }

    private SampleScores sample(Picture sample, Subject subject, Retrieval.Found found) {
        List<Picture> styles = styles(subject);
        Picture truth = styles.get(0);
        for (Picture style : styles) {
            boolean nearer = sample.squaredDistance(style) < sample.squaredDistance(truth);
            truth = nearer ? style : truth;
        }
        return new SampleScores(
                found.ranks(),
                found.nearest(),
                Fidelity.psnrOnWhite(sample, truth),
                Fidelity.psnrRgba(sample, truth),
                AlphaShape.intersectionOverUnion(sample, truth),
                AlphaShape.borderTransparency(sample),
                AlphaShape.borderTransparency(truth),
                Sharpness.ratio(sample, truth),
                sample.rmsTo(truth),
                styles.size() > 1 ? Optional.of(StylePurity.of(sample, styles)) : Optional.empty(),
                found.training());
    }

    private List<Picture> styles(Subject subject) {
        return gallery.distinct(subject).stream()
                .map(item -> gallery.items().get(item).picture())
                .toList();
    }

    /** Scores a split, if any of the captions is of it. */
    Optional<SplitScores> split(Split split, List<CaptionScores> all) {
        List<CaptionScores> captions =
                all.stream()
                        .filter(c -> gallery.subjects().get(c.subject()).split() == split)
                        .toList();
        if (captions.isEmpty()) {
            return Optional.empty();
        }
        List<SampleScores> samples = captions.stream().flatMap(c -> c.samples().stream()).toList();
        double[] psnr = numbers(samples, SampleScores::psnrOnWhite);
        return Optional.of(
                new SplitScores(
                        captions.size(),
                        samples.size(),
                        found(samples),
                        Distribution.of(psnr),
                        Distribution.shareFrom(GOOD_DECIBELS, psnr),
                        distribution(samples, SampleScores::psnrRgba),
                        distribution(samples, SampleScores::alphaIou),
                        distribution(samples, SampleScores::border),
                        distribution(samples, SampleScores::borderOfTruth),
                        distribution(captions, CaptionScores::diversity),
                        distribution(samples, SampleScores::sharpness),
                        styleScores(captions),
                        split == Split.VALID ? novelty(captions, samples) : Optional.empty()));
    }

    private static <T> double[] numbers(List<T> all, ToDoubleFunction<T> number) {
        return all.stream().mapToDouble(number).toArray();
    }

    private static <T> Distribution distribution(List<T> all, ToDoubleFunction<T> number) {
        return Distribution.of(numbers(all, number));
    }

    private static List<FoundShare> found(List<SampleScores> samples) {
        List<FoundShare> shares = new ArrayList<>();
        for (int i = 0; i < Retrieval.SIDES.size(); i++) {
            int side = i;
            shares.add(
                    new FoundShare(
                            Retrieval.SIDES.get(i),
                            share(samples, s -> s.ranks().get(side) == 1),
                            share(samples, s -> s.ranks().get(side) <= FEW)));
        }
        return List.copyOf(shares);
    }

    private static <T> double share(List<T> all, Predicate<T> test) {
        return (double) all.stream().filter(test).count() / all.size();
    }

    private Optional<StyleScores> styleScores(List<CaptionScores> all) {
        List<CaptionScores> captions =
                all.stream().filter(c -> c.samples().get(0).purity().isPresent()).toList();
        if (captions.isEmpty()) {
            return Optional.empty();
        }
        Map<String, Double> shares = new LinkedHashMap<>();
        gallery.styles().forEach(style -> shares.put(style.name(), 0.0));
        List<StylePurity> samples = new ArrayList<>();
        for (CaptionScores caption : captions) {
            Subject subject = gallery.subjects().get(caption.subject());
            List<Integer> items = gallery.distinct(subject);
            for (SampleScores sample : caption.samples()) {
                StylePurity purity = sample.purity().orElseThrow();
                samples.add(purity);
                int style = gallery.items().get(items.get(purity.nearest())).style();
                shares.merge(gallery.styles().get(style).name(), 1.0, Double::sum);
            }
        }
        shares.replaceAll((name, count) -> count / samples.size());
        return Optional.of(
                new StyleScores(
                        captions.size(),
                        samples.size(),
                        share(samples, StylePurity::isPure),
                        distribution(samples, StylePurity::toNearest),
                        distribution(samples, StylePurity::toMean),
                        distribution(samples, StylePurity::blend),
                        shares,
                        share(captions, Scoring::showsSeveral)));
    }

    private static boolean showsSeveral(CaptionScores caption) {
        return caption.samples().stream()
                        .map(s -> s.purity().orElseThrow().nearest())
                        .distinct()
                        .count()
                > 1;
    }

    private Optional<NoveltyScores> novelty(
            List<CaptionScores> captions, List<SampleScores> samples) {
        boolean measured = samples.get(0).training().isPresent();
        return measured
                ? Optional.of(
                        new NoveltyScores(
                                distribution(samples, s -> s.training().orElseThrow().distance()),
                                distribution(samples, SampleScores::toTruth),
                                share(
                                        samples,
                                        s -> s.training().orElseThrow().distance() < s.toTruth()),
                                truthToTraining(captions)))
                : Optional.empty();
    }

    private Distribution truthToTraining(List<CaptionScores> captions) {
        List<Picture> truths = new ArrayList<>();
        List<Subject> subjects = new ArrayList<>();
        for (CaptionScores caption : captions) {
            Subject subject = gallery.subjects().get(caption.subject());
            for (Picture style : styles(subject)) {
                truths.add(style);
                subjects.add(subject);
            }
        }
        return distribution(
                retrieval.find(truths, subjects), f -> f.training().orElseThrow().distance());
    }
}
