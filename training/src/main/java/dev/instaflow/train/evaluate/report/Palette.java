package dev.instaflow.train.evaluate.report;

import java.util.List;

/** Colours that most people can tell apart, also in grey: Okabe and Ito 2008, "Color Universal Design". */
final class Palette {
    private static final List<String> COLOURS =
            List.of("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#555555");

    private Palette() {}

    static String colour(int index) {
        return COLOURS.get(index % COLOURS.size());
    }
}
