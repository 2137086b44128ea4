package dev.instaflow.train.evaluate;

import dev.instaflow.train.evaluate.Gallery.Subject;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Which captions are asked: by a rule, never by looking at what a model makes of them.
 *
 * @param names captions or hexcodes; all if empty
 * @param most of those, this many, evenly spaced in their order; all if empty
 */
public record CaptionSelection(Optional<List<String>> names, OptionalInt most) {
    /** Every caption. */
    public static final CaptionSelection ALL =
            new CaptionSelection(Optional.empty(), OptionalInt.empty());

    private static final int SHOWN = 3;

    /** Checks the number. */
    public CaptionSelection {
        names = names.map(List::copyOf);
        if (most.isPresent() && most.getAsInt() < 1) {
            throw new IllegalArgumentException(most.getAsInt() + " captions, expected at least 1");
        }
    }

    /**
     * Applies the rule.
     *
     * @param subjects in their order
     * @return some of them, in the same order
     * @throws IllegalArgumentException if a name is unknown; the message shows some of those
     */
    public List<Subject> of(List<Subject> subjects) {
        List<Subject> named = names.isEmpty() ? subjects : named(subjects, names.get());
        return most.isEmpty() ? named : evenly(named, most.getAsInt());
    }

    private static List<Subject> named(List<Subject> subjects, List<String> names) {
        Set<String> wanted = new HashSet<>(names);
        Set<String> unknown = new HashSet<>(wanted);
        List<Subject> found = new ArrayList<>();
        for (Subject subject : subjects) {
            boolean isWanted =
                    wanted.contains(subject.caption()) || wanted.contains(subject.hexcode());
            unknown.remove(subject.caption());
            unknown.remove(subject.hexcode());
            if (isWanted) {
                found.add(subject);
            }
        }
        if (!unknown.isEmpty() || found.isEmpty()) {
            throw new IllegalArgumentException(
                    "%d of %d names are neither captions nor hexcodes of the collections: %s"
                            .formatted(
                                    unknown.size(),
                                    wanted.size(),
                                    unknown.stream().sorted().limit(SHOWN).toList()));
        }
        return found;
    }

    /**
     * Some of many, by their places alone.
     *
     * @param all in their order
     * @param most how many at most
     * @param <T> what they are
     * @return number {@code i * size / most} for each i
     */
    public static <T> List<T> evenly(List<T> all, int most) {
        if (all.size() <= most) {
            return all;
        }
        List<T> some = new ArrayList<>();
        for (long i = 0; i < most; i++) {
            some.add(all.get((int) (i * all.size() / most)));
        }
        return some;
    }
}
