package dev.instaflow.train.run;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.train.Parameters;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * What a {@link Trainer} trains: parameters, and how they get gradients from some examples. Everything that a
 * pass computes is determined by its number, the parameters and what {@link #settings} says.
 */
public interface Learner {
    /**
     * Where it computes.
     *
     * @return the backend that has the parameters
     */
    TrainingBackend backend();

    /**
     * What is trained.
     *
     * @return the same ones always
     */
    Parameters parameters();

    /**
     * The weights that its results depend on besides the parameters.
     *
     * @return as they were loaded
     */
    List<Entry> frozen();

    /**
     * What a checkpoint has besides the parameters, so that the rest of the library can open it.
     *
     * @return none of the parameters' names
     */
    default List<Entry> companions() {
        return frozen();
    }

    /**
     * Adds the gradients of one batch to the parameters'.
     *
     * @param index of the pass, counted through all steps
     * @param share that the batch has in its step
     * @return the loss of the batch
     */
    double pass(long index, float share);

    /**
     * What its passes depend on, in words.
     *
     * @return what a run may not change, by setting
     * @throws IOException if data cannot be read for its hash
     */
    Map<RunSetting, String> settings() throws IOException;
}
