package dev.instaflow.train.pairs;

import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;
import dev.instaflow.sampler.SamplingTraits;
import dev.instaflow.tensor.Shape;
import dev.instaflow.train.run.BundledEmoji;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Pairs of the bundled model; also the program that the kill test starts. */
final class SmallPairs implements AutoCloseable {
    static final Shape SAMPLE = Shape.of(8, 8, 16);
    static final SamplingTraits TRAITS = SamplingTraits.instaFlow();
    static final SamplerSettings SAMPLER = SamplerSettings.of(SamplerKind.RF_EULER, 4);

    final CpuBackend backend;
    final Teacher teacher;

    private SmallPairs(Path models) throws IOException {
        Path model = BundledEmoji.copy("model.ckpt", models);
        ModelConfig config = BundledEmoji.config(models);
        backend = CpuBackend.open(CpuSettings.AUTOMATIC);
        teacher = Teacher.load(backend, model, WeightSet.PLAIN, config, TRAITS, new LatentScale(1));
    }

    static SmallPairs open(Path models) throws IOException {
        return new SmallPairs(models);
    }

    static int[] ids(int word) {
        int[] ids = new int[24];
        ids[0] = 2;
        ids[1] = word;
        return ids;
    }

    /** Three captions, guidance on, batches of 2 in shards of 5. */
    static PairPlan plan(int seedsPerCaption) {
        List<PairCaption> captions = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            captions.add(new PairCaption("слово " + i, ids(100 + i)));
        }
        return PairPlan.of(captions, new PairCaption("", ids(1)), SAMPLE, SAMPLER)
                .withSeeds(NoiseSource.TORCH_CPU, 70, seedsPerCaption)
                .withGuidance(new Guidance(1.5))
                .withSizes(2, 5);
    }

    /** Makes the pairs of {@link #plan}: {@code models folder seeds}. */
    public static void main(String[] args) throws IOException {
        try (SmallPairs small = open(Path.of(args[0]))) {
            PairPlan plan = plan(Integer.parseInt(args[2]));
            new PairMaker(small.teacher, plan, Path.of(args[1])).make(done -> {});
        }
    }

    @Override
    public void close() {
        teacher.close();
        backend.close();
    }
}
