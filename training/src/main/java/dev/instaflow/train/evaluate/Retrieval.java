package dev.instaflow.train.evaluate;

import dev.instaflow.backend.Backend;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.Gallery.Item;
import dev.instaflow.train.evaluate.SampleScores.Neighbour;
import dev.instaflow.train.evaluate.metric.NearestPictures;
import dev.instaflow.train.evaluate.metric.NearestPictures.Distances;
import dev.instaflow.train.evaluate.metric.Picture;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Finds samples again among all pictures of all captions and styles, at several sizes. The rank of an emoji
 * is one more than the number of other emoji with a picture strictly nearer. Not thread-safe.
 */
final class Retrieval implements AutoCloseable {
    /** The sides at which is searched: emoji are seen small. */
    static final List<Integer> SIDES = List.of(Picture.SIDE, Picture.SIDE / 2, Picture.SIDE / 4);

    private final Gallery gallery;
    private final List<NearestPictures> bySide;
    private final int[] groups;
    private final int[] all;
    private final int[] training;

    private Retrieval(Gallery gallery, List<NearestPictures> bySide) {
        this.gallery = gallery;
        this.bySide = bySide;
        List<Item> items = gallery.items();
        this.groups = items.stream().mapToInt(i -> subject(i).group()).toArray();
        this.all = IntStream.range(0, items.size()).toArray();
        this.training =
                IntStream.of(all)
                        .filter(i -> subject(items.get(i)).split() == Split.TRAIN)
                        .toArray();
    }

    private Gallery.Subject subject(Item item) {
        return gallery.subjects().get(item.subject());
    }

    static Retrieval among(Backend backend, Gallery gallery) {
        List<NearestPictures> bySide = new ArrayList<>();
        boolean complete = false;
        try {
            for (int side : SIDES) {
                List<Picture> pictures =
                        gallery.items().stream().map(i -> i.picture().shrunkTo(side)).toList();
                bySide.add(NearestPictures.among(backend, pictures));
            }
            complete = true;
            return new Retrieval(gallery, bySide);
        } finally {
            if (!complete) {
                bySide.forEach(NearestPictures::close);
            }
        }
    }

    /**
     * What was found for a sample.
     *
     * @param ranks at each of {@link #SIDES}
     * @param nearest index of the nearest item at the largest of them
     * @param training the nearest item that models are trained on
     */
    record Found(List<Integer> ranks, int nearest, Optional<Neighbour> training) {}

    /**
     * Searches.
     *
     * @param samples to be found again
     * @param subjects of the samples
     */
    List<Found> find(List<Picture> samples, List<Gallery.Subject> subjects) {
        List<List<Distances>> distances = new ArrayList<>();
        for (int i = 0; i < SIDES.size(); i++) {
            int side = SIDES.get(i);
            distances.add(
                    bySide.get(i).distances(samples.stream().map(s -> s.shrunkTo(side)).toList()));
        }
        List<Found> found = new ArrayList<>();
        for (int n = 0; n < samples.size(); n++) {
            List<Integer> ranks = new ArrayList<>();
            for (List<Distances> atSide : distances) {
                ranks.add(rank(atSide.get(n), subjects.get(n).group()));
            }
            Distances full = distances.get(0).get(n);
            found.add(new Found(List.copyOf(ranks), full.nearest(all), nearestTraining(full)));
        }
        return found;
    }

    private int rank(Distances distances, int group) {
        long own = Long.MAX_VALUE;
        for (int i = 0; i < groups.length; i++) {
            if (groups[i] == group) {
                own = Math.min(own, distances.exact(i));
            }
        }
        BitSet nearer = new BitSet();
        for (int i = 0; i < groups.length; i++) {
            boolean open = groups[i] != group && !nearer.get(groups[i]);
            if (open && distances.isNearer(i, own)) {
                nearer.set(groups[i]);
            }
        }
        return 1 + nearer.cardinality();
    }

    private Optional<Neighbour> nearestTraining(Distances distances) {
        if (training.length == 0) {
            return Optional.empty();
        }
        int item = distances.nearest(training);
        double rms = distances.query().rms(distances.exact(item));
        return Optional.of(new Neighbour(item, rms));
    }

    @Override
    public void close() {
        bySide.forEach(NearestPictures::close);
    }
}
