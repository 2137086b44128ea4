package dev.instaflow.train.pairs;

import dev.instaflow.ops.Ops;
import dev.instaflow.sampler.BatchNoise;
import dev.instaflow.sampler.Denoiser;
import dev.instaflow.sampler.Sampler;
import dev.instaflow.sampler.Samplers;
import dev.instaflow.sampler.SamplingRequest;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Runs a teacher over captions and seeds, into files. A shard appears whole or not at all, and what batches are
 * made of is a function of the plan, so a run that was stopped goes on with the missing shards and leaves the
 * files of one that was not. Batches of a shard run side by side where the backend has lanes.
 */
public final class PairMaker {
    private static final Pattern UNFINISHED = Pattern.compile("\\.pairs-\\d+\\.shard\\..*\\.part");

    private final Teacher teacher;
    private final PairPlan plan;
    private final PairRecipe recipe;
    private final Sampler sampler;
    private final Path folder;

    /**
     * A run.
     *
     * @param teacher makes the pairs
     * @param plan which ones
     * @param folder for the files; made if it is not there
     * @throws IllegalArgumentException if the sampler cannot work on the teacher's prediction, or states between
     *     noise and latent are asked of a teacher that is no flow
     */
    public PairMaker(Teacher teacher, PairPlan plan, Path folder) {
        this.teacher = teacher;
        this.plan = plan;
        this.recipe = PairRecipe.of(teacher, plan);
        this.sampler = Samplers.create(teacher.traits(), plan.sampler());
        this.folder = folder;
    }

    /** The file of a shard. */
    static Path file(Path folder, int shard) {
        return folder.resolve("pairs-%06d.shard".formatted(shard));
    }

    /**
     * Makes the shards that are not there. Those that are there are checked against the plan and their
     * checksums. A plan that differs only by more seeds a caption adds shards, and makes the last one again if it
     * was not full.
     *
     * @param progress told the number of pairs that are there, after each shard
     * @return how many shards were made
     * @throws PairFileException if a file there is damaged or of another plan; nothing is overwritten
     * @throws IOException if a file cannot be read or written
     */
    public int make(IntConsumer progress) throws IOException {
        Files.createDirectories(folder);
        deleteUnfinished();
        Path beyond = file(folder, plan.shards());
        if (Files.exists(beyond)) {
            throw new PairFileException(
                    "%s: the plan has %d shards only; use another folder"
                            .formatted(beyond, plan.shards()));
        }
        int made = 0;
        for (int shard = 0; shard < plan.shards(); shard++) {
            if (!stands(shard)) {
                make(shard);
                made++;
            }
            progress.accept(Math.min(plan.pairs(), (shard + 1) * plan.shardPairs()));
        }
        return made;
    }

    private void deleteUnfinished() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                if (UNFINISHED.matcher(file.getFileName().toString()).matches()) {
                    Files.delete(file);
                }
            }
        }
    }

    private int pairsOf(int shard) {
        return Math.min(plan.shardPairs(), plan.pairs() - shard * plan.shardPairs());
    }

    private boolean stands(int shard) throws IOException {
        Path path = file(folder, shard);
        if (!Files.exists(path)) {
            return false;
        }
        try (ShardFile file = ShardFile.open(path)) {
            String difference = recipe.difference(file.recipe());
            if (!difference.isEmpty()) {
                throw new PairFileException(
                        path + " has other pairs: " + difference + "; use another folder");
            }
            if (file.first() != shard * plan.shardPairs() || file.count() > pairsOf(shard)) {
                throw new PairFileException(
                        "%s has %d pairs from %d on, expected %d from %d on; use another folder"
                                .formatted(
                                        path,
                                        file.count(),
                                        file.first(),
                                        pairsOf(shard),
                                        shard * plan.shardPairs()));
            }
            file.verify();
            return file.count() == pairsOf(shard);
        }
    }

    private void make(int shard) throws IOException {
        int first = shard * plan.shardPairs();
        int count = pairsOf(shard);
        int batches = (count + plan.batch() - 1) / plan.batch();
        Pair[] pairs = new Pair[count];
        teacher.backend()
                .runParts(
                        "pairs",
                        batches,
                        (index, scope) -> {
                            int from = index * plan.batch();
                            int n = Math.min(plan.batch(), count - from);
                            batch(scope.ops(), first + from, n, pairs, from);
                        });
        Map<Integer, PairCaption> captions = new TreeMap<>();
        for (Pair pair : pairs) {
            captions.put(pair.caption(), plan.captions().get(pair.caption()));
        }
        ShardFile.write(file(folder, shard), recipe, first, Arrays.asList(pairs), captions);
    }

    /** Makes pairs {@code first} to {@code first + n - 1} of the plan into {@code pairs} from an index on. */
    private void batch(Ops ops, int first, int n, Pair[] pairs, int at) {
        long[] seeds = new long[n];
        int[][] ids = new int[n][];
        for (int i = 0; i < n; i++) {
            seeds[i] = plan.seed(first + i);
            ids[i] = plan.captions().get(plan.caption(first + i)).ids();
        }
        Shape sample = plan.sample();
        Shape shape = Shape.of(n, sample.size(0), sample.size(1), sample.size(2));
        BatchNoise streams = BatchNoise.of(plan.noise(), seeds);
        Tensor noise = streams.next(ops, shape);
        Denoiser denoiser = teacher.denoiser(ops, ids, plan.negative().ids(), plan.guidance());
        List<float[]> states = new ArrayList<>();
        int each = plan.sampler().steps() / plan.segments();
        SamplingRequest request =
                SamplingRequest.fromNoise(noise, streams)
                        .withListener(
                                progress -> {
                                    boolean end = progress.step() % each == 0;
                                    if (end && states.size() < plan.segments() - 1) {
                                        states.add(ops.toArray(progress.latents()));
                                    }
                                });
        states.add(ops.toArray(sampler.sample(ops, denoiser, request).latents()));
        float[] noises = ops.toArray(noise);
        for (int i = 0; i < n; i++) {
            int from = i * recipe.size();
            int to = from + recipe.size();
            float[][] own =
                    states.stream()
                            .map(values -> Arrays.copyOfRange(values, from, to))
                            .toArray(float[][]::new);
            int check = ShardFile.check(Arrays.copyOfRange(noises, from, to));
            pairs[at + i] = new Pair(seeds[i], plan.caption(first + i), check, own);
        }
    }
}
