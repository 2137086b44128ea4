package dev.instaflow.checkpoint.layout;

import java.util.List;
import java.util.NavigableMap;
import java.util.OptionalInt;
import java.util.Set;

/** The shapes of one part's tensors by their bare names: what the sizes are derived from. */
record PartTensors(NavigableMap<String, List<Long>> shapes) {
    /** Beyond any channel count or vocabulary: larger sizes are no model's, and would overflow. */
    private static final int LARGEST = 1 << 20;

    /** Each level halves the image: no model has more, and 2 to that many is still an int. */
    static final int MOST_LEVELS = 16;

    /** Dimension {@code axis} of a tensor; empty if there is no such tensor, or not as deep. */
    OptionalInt size(String name, int axis) {
        List<Long> shape = shapes.getOrDefault(name, List.of());
        if (axis >= shape.size() || shape.get(axis) < 1 || shape.get(axis) > LARGEST) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(Math.toIntExact(shape.get(axis)));
    }

    /** How many blocks {@code prefix0.}, {@code prefix1.}, … follow each other without a gap. */
    int run(String prefix) {
        int count = 0;
        while (has(prefix + count + ".")) {
            count++;
        }
        return count;
    }

    /** Whether any name begins so. */
    boolean has(String prefix) {
        String first = shapes.ceilingKey(prefix);
        return first != null && first.startsWith(prefix);
    }

    Set<String> names() {
        return shapes.keySet();
    }
}
