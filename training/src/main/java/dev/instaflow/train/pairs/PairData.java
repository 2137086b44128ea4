package dev.instaflow.train.pairs;

import dev.instaflow.sampler.BatchNoise;
import dev.instaflow.tensor.Shape;
import dev.instaflow.train.data.ContentDigest;
import dev.instaflow.train.data.LatentData;
import dev.instaflow.train.data.TrainingData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Pairs in the files of a {@link PairMaker}, each read when it is asked for and its noise made again from its
 * seed, so that there may be any number of them. Thread-safe.
 */
public final class PairData implements TrainingData, AutoCloseable {
    private final List<ShardFile> shards = new ArrayList<>();
    private final Map<Integer, PairCaption> captions = new HashMap<>();
    private int size;

    private PairData() {}

    /**
     * Opens all shards of a folder.
     *
     * @param folder of a {@link PairMaker}, finished or not
     * @return to be closed by the caller
     * @throws PairFileException if there is no shard, one is missing among them, damaged or of other pairs
     * @throws IOException if a file cannot be read
     */
    public static PairData open(Path folder) throws IOException {
        PairData data = new PairData();
        boolean opened = false;
        try {
            data.addAll(folder);
            opened = true;
            return data;
        } finally {
            if (!opened) {
                data.close();
            }
        }
    }

    private void addAll(Path folder) throws IOException {
        int number = 0;
        while (Files.exists(PairMaker.file(folder, number))) {
            ShardFile shard = ShardFile.open(PairMaker.file(folder, number));
            shards.add(shard);
            requireFit(shard);
            size += shard.count();
            captions.putAll(shard.captions());
            number++;
        }
        if (shards.isEmpty()) {
            throw new PairFileException(
                    folder + ": no pairs; they begin with " + PairMaker.file(folder, 0));
        }
    }

    private void requireFit(ShardFile shard) throws PairFileException {
        PairRecipe recipe = shards.get(0).recipe();
        String difference = recipe.difference(shard.recipe());
        if (!difference.isEmpty()) {
            throw new PairFileException(
                    "%s does not belong to %s: %s"
                            .formatted(shard.path(), shards.get(0).path(), difference));
        }
        if (shard.first() != size || size % recipe.shardPairs() != 0) {
            throw new PairFileException(
                    "%s begins with pair %d, but there are %d before it; let the missing ones be made"
                            .formatted(shard.path(), shard.first(), size));
        }
    }

    @Override
    public Shape sample() {
        return recipe().sample();
    }

    private PairRecipe recipe() {
        return shards.get(0).recipe();
    }

    /**
     * How many parts of the way are kept.
     *
     * @return 1 for its end alone
     */
    public int segments() {
        return recipe().segments();
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public LatentData.Example example(int number) {
        if (number < 0 || number >= size) {
            throw new IndexOutOfBoundsException("pair " + number + " of " + size);
        }
        ShardFile shard = shards.get(number / recipe().shardPairs());
        try {
            return example(shard, shard.pair(number % recipe().shardPairs()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private LatentData.Example example(ShardFile shard, Pair pair) throws PairFileException {
        PairCaption caption = captions.get(pair.caption());
        if (caption == null) {
            throw new PairFileException(
                    shard.path() + ": no caption " + pair.caption() + " in the header");
        }
        float[] noise = BatchNoise.image(recipe().noise(), pair.seed(), sample());
        if (ShardFile.check(noise) != pair.noiseCheck()) {
            throw new PairFileException(
                    "%s: noise %s of seed %d is not what it was when the pairs were made; make them again"
                            .formatted(shard.path(), recipe().noise().label(), pair.seed()));
        }
        List<float[]> states = Arrays.asList(pair.states());
        int last = states.size() - 1;
        return new LatentData.Example(
                states.get(last),
                Optional.of(noise),
                states.subList(0, last),
                List.of(caption.ids()));
    }

    /**
     * The caption of a pair.
     *
     * @param number in [0, {@link #size})
     * @return text and token ids
     * @throws UncheckedIOException if its file cannot be read any more
     */
    public PairCaption caption(int number) {
        try {
            ShardFile shard = shards.get(number / recipe().shardPairs());
            return captions.get(shard.pair(number % recipe().shardPairs()).caption());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** From the headers, which have the hashes of all records: no record is read. */
    @Override
    public String digest() {
        ContentDigest digest = new ContentDigest();
        shards.forEach(shard -> digest.add(shard.hash()));
        return digest.hex();
    }

    /**
     * Reads everything once and compares it with the hashes of the headers.
     *
     * @throws PairFileException if a file is damaged
     * @throws IOException if one cannot be read
     */
    public void verify() throws IOException {
        for (ShardFile shard : shards) {
            shard.verify();
        }
    }

    @Override
    public void close() throws IOException {
        for (ShardFile shard : shards) {
            shard.close();
        }
    }
}
