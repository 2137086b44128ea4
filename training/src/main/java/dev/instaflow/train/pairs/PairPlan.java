package dev.instaflow.train.pairs;

import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;
import dev.instaflow.tensor.Shape;
import java.util.List;

/**
 * Which pairs are made, and how. Pair p shows caption {@code p % captions} and has the seed {@code firstSeed +
 * p}: each pair a noise of its own, and any number of first pairs shows all captions alike.
 *
 * @param captions at least one, of as many token ids each
 * @param negative what guidance leads away from; the empty caption usually
 * @param seedsPerCaption pairs of each caption
 * @param firstSeed of the first pair
 * @param noise which generator
 * @param sample the shape [h,w,C] of a latent
 * @param sampler how the teacher's equation is solved
 * @param guidance of the teacher
 * @param segments how many even parts of the way are kept: 1 for its end alone
 * @param batch pairs that the teacher makes at once
 * @param shardPairs pairs of a file
 */
public record PairPlan(
        List<PairCaption> captions,
        PairCaption negative,
        int seedsPerCaption,
        long firstSeed,
        NoiseSource noise,
        Shape sample,
        SamplerSettings sampler,
        Guidance guidance,
        int segments,
        int batch,
        int shardPairs) {
    private static final int USUAL_BATCH = 16;
    private static final int USUAL_SHARD = 512;

    /** Checks the numbers, and that the way from noise to latent is determined by its noise. */
    public PairPlan {
        captions = List.copyOf(captions);
        if (captions.isEmpty()) {
            throw new IllegalArgumentException("pairs of no captions");
        }
        for (PairCaption caption : captions) {
            if (caption.ids().length != negative.ids().length) {
                throw new IllegalArgumentException(
                        "caption \"%s\" of %d token ids, the negative one has %d"
                                .formatted(
                                        caption.text(),
                                        caption.ids().length,
                                        negative.ids().length));
            }
        }
        if (seedsPerCaption < 1 || batch < 1 || shardPairs < 1 || segments < 1) {
            throw new IllegalArgumentException(
                    "pairs with %d seeds a caption, %d segments, batches of %d, shards of %d; all must be above 0"
                            .formatted(seedsPerCaption, segments, batch, shardPairs));
        }
        if (sample.rank() != 3) {
            throw new IllegalArgumentException("latents of shape " + sample + ", expected [h,w,C]");
        }
        Math.multiplyExact(captions.size(), seedsPerCaption);
        requireOde(sampler);
        requireSegments(sampler, segments);
    }

    private static void requireOde(SamplerSettings sampler) {
        if (sampler.kind() == SamplerKind.EULER_ANCESTRAL || sampler.eta() > 0) {
            throw new IllegalArgumentException(
                    "sampler %s with eta %s adds noise on the way: what it makes does not belong to the noise it began with"
                            .formatted(sampler.kind().label(), sampler.eta()));
        }
    }

    private static void requireSegments(SamplerSettings sampler, int segments) {
        boolean evenTimes =
                sampler.kind() == SamplerKind.RF_EULER || sampler.kind() == SamplerKind.RF_HEUN;
        if (segments > 1 && !(evenTimes && sampler.steps() % segments == 0)) {
            throw new IllegalArgumentException(
                    "%d segments of %d steps of %s; states at even times are those of rf-euler and rf-heun, every %s"
                            .formatted(
                                    segments,
                                    sampler.steps(),
                                    sampler.kind().label(),
                                    "(steps / segments)-th, which must be a whole number"));
        }
    }

    /**
     * The usual sizes: one seed a caption from seed 0 on, Java's noise, no guidance, ends alone.
     *
     * @param captions at least one
     * @param negative what guidance leads away from
     * @param sample the shape [h,w,C] of a latent
     * @param sampler how the teacher's equation is solved
     * @return to be changed by the {@code with} methods
     */
    public static PairPlan of(
            List<PairCaption> captions,
            PairCaption negative,
            Shape sample,
            SamplerSettings sampler) {
        return new PairPlan(
                captions,
                negative,
                1,
                0,
                NoiseSource.JAVA,
                sample,
                sampler,
                Guidance.OFF,
                1,
                USUAL_BATCH,
                USUAL_SHARD);
    }

    /**
     * Other seeds.
     *
     * @param source which generator
     * @param first seed of the first pair
     * @param perCaption pairs of each caption
     * @return a changed copy
     */
    public PairPlan withSeeds(NoiseSource source, long first, int perCaption) {
        return new PairPlan(
                captions,
                negative,
                perCaption,
                first,
                source,
                sample,
                sampler,
                guidance,
                segments,
                batch,
                shardPairs);
    }

    /**
     * Other guidance.
     *
     * @param other of the teacher
     * @return a changed copy
     */
    public PairPlan withGuidance(Guidance other) {
        return new PairPlan(
                captions,
                negative,
                seedsPerCaption,
                firstSeed,
                noise,
                sample,
                sampler,
                other,
                segments,
                batch,
                shardPairs);
    }

    /**
     * Another number of states that are kept.
     *
     * @param count of even parts of the way
     * @return a changed copy
     */
    public PairPlan withSegments(int count) {
        return new PairPlan(
                captions,
                negative,
                seedsPerCaption,
                firstSeed,
                noise,
                sample,
                sampler,
                guidance,
                count,
                batch,
                shardPairs);
    }

    /**
     * Other sizes of work and files.
     *
     * @param pairsAtOnce of the teacher
     * @param pairsOfAFile of each but the last
     * @return a changed copy
     */
    public PairPlan withSizes(int pairsAtOnce, int pairsOfAFile) {
        return new PairPlan(
                captions,
                negative,
                seedsPerCaption,
                firstSeed,
                noise,
                sample,
                sampler,
                guidance,
                segments,
                pairsAtOnce,
                pairsOfAFile);
    }

    /**
     * How many pairs there will be.
     *
     * @return captions times seeds
     */
    public int pairs() {
        return captions.size() * seedsPerCaption;
    }

    /**
     * How many files there will be.
     *
     * @return at least 1
     */
    public int shards() {
        return (pairs() + shardPairs - 1) / shardPairs;
    }

    /** The caption's number of a pair. */
    int caption(int pair) {
        return pair % captions.size();
    }

    /** The noise's seed of a pair. */
    long seed(int pair) {
        return firstSeed + pair;
    }
}
