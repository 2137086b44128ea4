package dev.instaflow.train.evaluate;

import dev.instaflow.ops.Ops;
import dev.instaflow.pipeline.OpenModel;
import dev.instaflow.sampler.ConditionalDenoiser;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.train.run.TrainingModel;
import java.util.Arrays;

/** Networks that can be asked about a caption. Thread-safe. */
@FunctionalInterface
public interface Conditioning {
    /**
     * Binds a caption.
     *
     * @param ops what it is computed with; serves as long as its scope is open
     * @param caption what the pictures show
     * @param images N, how many of them are made at once
     * @param guidance if on, the empty caption is bound as well
     * @return the network, for N samples or, with guidance, 2N
     */
    ConditionalDenoiser bind(Ops ops, String caption, int images, Guidance guidance);

    /**
     * The networks of a model.
     *
     * @param model stays open as long as this is used
     * @return asks its text encoder once a caption
     */
    static Conditioning of(OpenModel model) {
        return (ops, caption, images, guidance) ->
                model.network(ops, captions(model.tokenizer(), caption, 1, guidance), images);
    }

    /**
     * Networks under training, as they are now.
     *
     * @param model stays open as long as this is used
     * @param tokenizer of its captions
     * @return asks its text encoder at each step
     */
    static Conditioning of(TrainingModel model, ClipTokenizer tokenizer) {
        return (ops, caption, images, guidance) -> {
            int[][] ids = captions(tokenizer, caption, images, guidance);
            return (inner, latents, labels, contexts) -> model.predict(inner, latents, labels, ids);
        };
    }

    /** @return [N][T], or [2N][T] with the empty captions first if guidance is on */
    private static int[][] captions(
            ClipTokenizer tokenizer, String caption, int images, Guidance guidance) {
        int[][] ids = new int[guidance.isOn() ? 2 * images : images][];
        Arrays.fill(ids, tokenizer.encode(caption).ids());
        if (guidance.isOn()) {
            Arrays.fill(ids, 0, images, tokenizer.encode("").ids());
        }
        return ids;
    }
}
