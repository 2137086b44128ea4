package dev.instaflow.train.run;

import dev.instaflow.train.RandomStream;
import java.util.List;

/**
 * Which of its captions an example is shown with.
 *
 * @param labelShare how often the first, its label; else one of the others, each alike
 * @param dropped how often none, so that the network also learns the data without a caption, which
 *     guidance needs. Ho and Salimans 2022, "Classifier-Free Diffusion Guidance"
 */
public record CaptionChoice(double labelShare, double dropped) {
    /** Checks the shares. */
    public CaptionChoice {
        if (!(labelShare >= 0 && labelShare <= 1 && dropped >= 0 && dropped <= 1)) {
            throw new IllegalArgumentException(
                    "captions with labels at a share of %s and none at %s, expected shares in [0,1]"
                            .formatted(labelShare, dropped));
        }
    }

    /** What it is, in words that a checkpoint keeps. */
    String description() {
        return "labels at a share of " + labelShare + ", none at " + dropped;
    }

    /** One of the captions, or the empty one; always two random numbers and at times a third. */
    int[] draw(List<int[]> captions, int[] empty, RandomStream random) {
        boolean drop = random.uniform() < dropped;
        boolean label = random.uniform() < labelShare || captions.size() == 1;
        if (drop) {
            return empty;
        }
        return captions.get(label ? 0 : 1 + random.index(captions.size() - 1));
    }
}
