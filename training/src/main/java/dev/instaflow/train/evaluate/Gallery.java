package dev.instaflow.train.evaluate;

import dev.instaflow.image.Pixels;
import dev.instaflow.train.data.ContentDigest;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.data.EmojiRow;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.metric.Picture;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The true pictures of one or several collections, by caption: a caption may have a picture in each of
 * several styles. Captions with a picture in common, as flags have them, count as one emoji, since nobody
 * could tell which was meant. Immutable.
 */
public final class Gallery {
    private final List<Style> styles;
    private final List<Item> items;
    private final List<Subject> subjects;

    private Gallery(List<Style> styles, List<Item> items, List<Subject> subjects) {
        this.styles = List.copyOf(styles);
        this.items = List.copyOf(items);
        this.subjects = List.copyOf(subjects);
    }

    /**
     * A collection with the name that its style has in reports.
     *
     * @param name unlike the other names
     * @param dataset open until the gallery is made
     */
    public record Source(String name, EmojiDataset dataset) {}

    /**
     * What is known of a collection.
     *
     * @param name from its {@link Source}
     * @param pictures how many can be used
     * @param problems how many rows had something to report
     * @param sha256 of captions, splits and pixels, however they are packed
     */
    public record Style(String name, int pictures, int problems, String sha256) {}

    /**
     * A true picture.
     *
     * @param style index of its style
     * @param subject index of its subject
     * @param picture as it is compared
     */
    public record Item(int style, int subject, Picture picture) {}

    /**
     * A caption.
     *
     * @param caption what models are asked
     * @param emoji the character, if the table has it
     * @param hexcode its code points, if the table has them
     * @param split whether it was held out
     * @param items indices of its pictures, at least one
     * @param group equal for captions with a picture in common
     */
    public record Subject(
            String caption,
            String emoji,
            String hexcode,
            Split split,
            List<Integer> items,
            int group) {}

    /**
     * Puts collections together.
     *
     * @param sources at least one
     * @return captions in the order of the first collection, then what the others have more
     * @throws IOException if a picture cannot be read or has a size that cannot be compared
     * @throws IllegalArgumentException if a caption is held out in one collection and trained in another
     */
    public static Gallery of(List<Source> sources) throws IOException {
        return new Assembly().of(sources);
    }

    /** What stands while a gallery is being made. */
    private static final class Assembly {
        private final List<Style> styles = new ArrayList<>();
        private final List<Item> items = new ArrayList<>();
        private final Map<String, Integer> byCaption = new LinkedHashMap<>();
        private final List<EmojiRow> rows = new ArrayList<>();
        private final List<List<Integer>> itemsOf = new ArrayList<>();
        private final Map<Picture, Integer> firstSubject = new HashMap<>();
        private final List<Integer> parents = new ArrayList<>();

        Gallery of(List<Source> sources) throws IOException {
            for (Source source : sources) {
                add(source);
            }
            if (items.isEmpty()) {
                throw new IllegalArgumentException("no pictures to compare with");
            }
            List<Subject> subjects = new ArrayList<>();
            for (int i = 0; i < rows.size(); i++) {
                EmojiRow row = rows.get(i);
                subjects.add(
                        new Subject(
                                row.text(),
                                row.fields().getOrDefault("emoji", ""),
                                row.fields().getOrDefault("hexcode", ""),
                                row.split(),
                                List.copyOf(itemsOf.get(i)),
                                root(i)));
            }
            return new Gallery(styles, items, subjects);
        }

        private void add(Source source) throws IOException {
            ContentDigest digest = new ContentDigest();
            for (EmojiRow row : source.dataset().rows()) {
                Pixels pixels = EmojiDataset.pixels(row);
                digest.add(row.text()).add(row.split().name()).add(pixels.toBytes());
                add(source.name(), row, picture(source, row, pixels));
            }
            styles.add(
                    new Style(
                            source.name(),
                            source.dataset().rows().size(),
                            source.dataset().problems().size(),
                            digest.hex()));
        }

        private static Picture picture(Source source, EmojiRow row, Pixels pixels)
                throws IOException {
            try {
                return Picture.of(pixels);
            } catch (IllegalArgumentException e) {
                String message = "collection %s, line %d, %s: %s";
                throw new IOException(
                        message.formatted(
                                source.name(),
                                row.line(),
                                row.picture().getFileName(),
                                e.getMessage()),
                        e);
            }
        }

        private void add(String style, EmojiRow row, Picture picture) {
            int subject = byCaption.computeIfAbsent(row.text(), text -> subject(row));
            Split known = rows.get(subject).split();
            if (row.split() != known) {
                throw new IllegalArgumentException(
                        "collection %s, line %d: \"%s\" is %s there and %s in a collection before; held-out captions must be held out in all"
                                .formatted(style, row.line(), row.text(), row.split(), known));
            }
            itemsOf.get(subject).add(items.size());
            items.add(new Item(styles.size(), subject, picture));
            Integer other = firstSubject.putIfAbsent(picture, subject);
            if (other != null) {
                int a = root(other);
                int b = root(subject);
                parents.set(Math.max(a, b), Math.min(a, b));
            }
        }

        private int subject(EmojiRow row) {
            rows.add(row);
            itemsOf.add(new ArrayList<>());
            parents.add(parents.size());
            return parents.size() - 1;
        }

        private int root(int subject) {
            int at = subject;
            while (parents.get(at) != at) {
                at = parents.get(at);
            }
            return at;
        }
    }

    /**
     * The collections.
     *
     * @return in the order given
     */
    public List<Style> styles() {
        return styles;
    }

    /**
     * All pictures.
     *
     * @return by collection, in the order of its table
     */
    public List<Item> items() {
        return items;
    }

    /**
     * All captions.
     *
     * @return in the order of the collections
     */
    public List<Subject> subjects() {
        return subjects;
    }

    /**
     * The pictures of a caption that differ from each other.
     *
     * @param subject one of {@link #subjects}
     * @return indices of items, at least one
     */
    public List<Integer> distinct(Subject subject) {
        Map<Picture, Integer> seen = new LinkedHashMap<>();
        subject.items().forEach(i -> seen.putIfAbsent(items.get(i).picture(), i));
        return List.copyOf(seen.values());
    }
}
