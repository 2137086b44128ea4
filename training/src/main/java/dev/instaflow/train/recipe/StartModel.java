package dev.instaflow.train.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.train.run.FreshWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a part begins with.
 *
 * @param origin which weights
 * @param file the checkpoint; of fresh weights the one whose autoencoder they get
 * @param weights which of its weights
 * @param card what the model is made for
 * @param config its sizes
 * @param tokenizer cuts its captions
 * @param cardJson the card with the sizes in it
 * @param tokenizerFolder vocab.json and merges.txt, if it has its own
 */
record StartModel(
        Origin origin,
        Path file,
        WeightSet weights,
        ModelCard card,
        ModelConfig config,
        ClipTokenizer tokenizer,
        ObjectNode cardJson,
        Optional<Path> tokenizerFolder) {
    /** Where weights come from. */
    enum Origin {
        CHECKPOINT,
        FRESH
    }

    /** Its weights are read as long as a model is made from them. */
    CompVisView open() throws IOException {
        return CompVisView.open(file, weights);
    }

    /**
     * What is trained.
     *
     * @param view of {@link #open}, which must stay open
     * @param seed of fresh weights
     */
    Checkpoint weights(CompVisView view, long seed) {
        return origin == Origin.FRESH ? FreshWeights.of(config, view, seed) : view;
    }
}
