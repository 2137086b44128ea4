package dev.instaflow.benchmarks;

import java.util.Arrays;

/** Sizes in a benchmark's parameter: {@code 320,320,64}. */
final class Sizes {
    private Sizes() {}

    static int[] parse(String sizes) {
        return Arrays.stream(sizes.split(",")).mapToInt(Integer::parseInt).toArray();
    }
}
