package dev.instaflow.train.optim;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Compares arrays of a checkpoint with those that a run needs. */
final class SavedArrays {
    /** Names in a message; the rest is counted. */
    private static final int SHOWN = 3;

    private SavedArrays() {}

    /**
     * Refuses arrays that are not exactly the needed ones.
     *
     * @param what they are, for the message
     * @param needed lengths by name
     * @param saved arrays by name
     * @throws IllegalArgumentException naming what is missing, unknown or of another length
     */
    static void requireFit(String what, Map<String, Integer> needed, Map<String, float[]> saved) {
        TreeSet<String> missing = new TreeSet<>(needed.keySet());
        missing.removeAll(saved.keySet());
        TreeSet<String> unknown = new TreeSet<>(saved.keySet());
        unknown.removeAll(needed.keySet());
        if (!missing.isEmpty() || !unknown.isEmpty()) {
            throw new IllegalArgumentException(
                    "%s of another run: missing %s; unknown %s"
                            .formatted(what, shown(missing), shown(unknown)));
        }
        needed.forEach(
                (name, length) -> {
                    if (saved.get(name).length != length) {
                        throw new IllegalArgumentException(
                                "%s of another run: \"%s\" has %d values, expected %d"
                                        .formatted(what, name, saved.get(name).length, length));
                    }
                });
    }

    private static String shown(TreeSet<String> names) {
        if (names.isEmpty()) {
            return "none";
        }
        List<String> first = names.stream().limit(SHOWN).toList();
        String more = names.size() > SHOWN ? " and " + (names.size() - SHOWN) + " more" : "";
        return first.stream().collect(Collectors.joining("\", \"", "\"", "\"")) + more;
    }
}
