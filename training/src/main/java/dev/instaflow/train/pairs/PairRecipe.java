package dev.instaflow.train.pairs;

import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.sampler.NoiseSchedule;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;
import dev.instaflow.sampler.SamplingTraits;
import dev.instaflow.sampler.SigmaSpacing;
import dev.instaflow.sampler.StepSpacing;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.tensor.Shape;
import dev.instaflow.train.data.ContentDigest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is in the header of every shard: all that the latents depend on besides their noises. Shards belong
 * together if it is the same in all of them.
 *
 * @param teacher SHA-256 of the teacher's file in hexadecimal, and which of its weights
 * @param traits what the teacher's output means and how it labels time
 * @param scale between its latents and the autoencoder's
 * @param sample the shape [h,w,C] of a latent
 * @param segments states that are kept of each way
 * @param sampler how the equation was solved
 * @param guidance of the teacher
 * @param noise which generator
 * @param firstSeed of the first pair
 * @param negative what guidance led away from
 * @param captions how many there are
 * @param captionsHash SHA-256 of their texts and token ids, in order
 * @param batch pairs that were made at once
 * @param shardPairs pairs of each file but the last
 */
record PairRecipe(
        String teacher,
        SamplingTraits traits,
        LatentScale scale,
        Shape sample,
        int segments,
        SamplerSettings sampler,
        Guidance guidance,
        NoiseSource noise,
        long firstSeed,
        PairCaption negative,
        int captions,
        String captionsHash,
        int batch,
        int shardPairs) {
    static PairRecipe of(Teacher teacher, PairPlan plan) {
        return new PairRecipe(
                teacher.identity(),
                teacher.traits(),
                teacher.scale(),
                plan.sample(),
                plan.segments(),
                plan.sampler(),
                plan.guidance(),
                plan.noise(),
                plan.firstSeed(),
                plan.negative(),
                plan.captions().size(),
                hash(plan.captions()),
                plan.batch(),
                plan.shardPairs());
    }

    private static String hash(List<PairCaption> captions) {
        ContentDigest digest = new ContentDigest();
        captions.forEach(caption -> digest.add(caption.text()).add(caption.ids()));
        return digest.hex();
    }

    /** Values of one state, and so of a noise. */
    int size() {
        return Math.toIntExact(sample.count());
    }

    /** Bytes of a pair: seed, caption, two checksums, states. */
    int recordBytes() {
        return Math.addExact(
                ShardFile.RECORD_HEAD,
                Math.multiplyExact(Math.multiplyExact(segments, size()), Float.BYTES));
    }

    /** All of it in words, for the message that names a difference. */
    Map<String, String> words() {
        Map<String, String> words = new LinkedHashMap<>();
        words.put("teacher", teacher);
        words.put("prediction", traits.prediction().name());
        words.put("time labels", traits.timeLabelRule().name());
        words.put("latent scale", String.valueOf(scale.factor()));
        words.put("latent shape", sample.toString());
        words.put("segments", String.valueOf(segments));
        words.put("sampler", sampler.toString());
        words.put("guidance", String.valueOf(guidance.scale()));
        words.put("noise source", noise.label());
        words.put("negative caption", negative.toString());
        words.put("first seed", String.valueOf(firstSeed));
        words.put("captions", captions + " of sha-256 " + captionsHash);
        words.put("noise schedule", traits.noiseSchedule().toString());
        words.put("batch", String.valueOf(batch));
        words.put("pairs of a shard", String.valueOf(shardPairs));
        return words;
    }

    /** What differs, in words; empty if nothing does. */
    String difference(PairRecipe other) {
        Map<String, String> theirs = other.words();
        for (Map.Entry<String, String> mine : words().entrySet()) {
            String their = theirs.get(mine.getKey());
            if (!mine.getValue().equals(their)) {
                return "%s %s, expected %s".formatted(mine.getKey(), their, mine.getValue());
            }
        }
        return "";
    }

    void write(HeaderBytes.Writer out) {
        out.text(teacher);
        out.text(traits.prediction().name());
        out.text(traits.timeLabelRule().name());
        out.real(traits.noiseSchedule().betaStart());
        out.real(traits.noiseSchedule().betaEnd());
        out.number(traits.noiseSchedule().trainSteps());
        out.real(scale.factor());
        for (int axis = 0; axis < sample.rank(); axis++) {
            out.number(sample.size(axis));
        }
        out.number(segments);
        writeSampler(out);
        out.real(guidance.scale());
        out.text(noise.name());
        out.number(firstSeed);
        out.number(batch);
        out.number(shardPairs);
        out.caption(negative);
        out.number(captions);
        out.text(captionsHash);
    }

    private void writeSampler(HeaderBytes.Writer out) {
        out.text(sampler.kind().name());
        out.number(sampler.steps());
        out.text(sampler.spacing().name());
        out.text(sampler.sigmas().name());
        out.real(sampler.eta());
        out.real(sampler.relativeTolerance());
        out.real(sampler.absoluteTolerance());
    }

    /** Every number is checked before it is used; a wrong one is an {@link IllegalArgumentException}. */
    static PairRecipe read(HeaderBytes.Reader in) {
        String teacher = in.text();
        Prediction prediction = in.choice(Prediction.class);
        TimeLabelRule rule = in.choice(TimeLabelRule.class);
        NoiseSchedule schedule =
                new NoiseSchedule(in.real(), in.real(), in.positiveInt("training steps"));
        SamplingTraits traits = new SamplingTraits(prediction, rule, schedule);
        LatentScale scale = new LatentScale(in.real());
        Shape sample =
                Shape.of(
                        in.positiveInt("height"),
                        in.positiveInt("width"),
                        in.positiveInt("channels"));
        int segments = in.positiveInt("segments");
        SamplerSettings sampler =
                new SamplerSettings(
                        in.choice(SamplerKind.class),
                        in.positiveInt("steps"),
                        in.choice(StepSpacing.class),
                        in.choice(SigmaSpacing.class),
                        in.real(),
                        in.real(),
                        in.real());
        Guidance guidance = new Guidance(in.real());
        NoiseSource noise = in.choice(NoiseSource.class);
        long firstSeed = in.number();
        int batch = in.positiveInt("batch");
        int shardPairs = in.positiveInt("pairs of a shard");
        PairCaption negative = in.caption();
        int captions = in.positiveInt("captions");
        String captionsHash = in.text();
        return new PairRecipe(
                teacher,
                traits,
                scale,
                sample,
                segments,
                sampler,
                guidance,
                noise,
                firstSeed,
                negative,
                captions,
                captionsHash,
                batch,
                shardPairs);
    }
}
