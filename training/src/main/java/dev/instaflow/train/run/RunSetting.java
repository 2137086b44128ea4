package dev.instaflow.train.run;

import java.util.Locale;

/** What a run's bits depend on besides its step. A checkpoint keeps all of them in words. */
public enum RunSetting {
    /** Of everything random. */
    SEED(false),
    /** Examples of a backward pass. */
    BATCH(false),
    /** Backward passes of a step. */
    PASSES(false),
    /** With all its parameters. */
    OBJECTIVE(false),
    /** With all its parameters. */
    LOSS(false),
    /** With all its constants. */
    OPTIMIZER(false),
    /** A schedule may be replaced, as when a run is to be longer than was planned. */
    LEARNING_RATE(true),
    /** Limit of the gradients' norm. */
    CLIP_NORM(false),
    /** Of the averages. */
    EMA_DECAY(false),
    /** How captions are drawn, and the token ids of no caption. */
    CAPTIONS(false),
    /** Whether results are kept or computed again: meant to be the same, but by other operations. */
    MEMORY(true),
    /** Which weights change, and their sizes. */
    PARAMETERS(false),
    /** The weights that do not change. */
    FROZEN_WEIGHTS(false),
    /** The examples and their number. */
    DATA(false),
    /** Another device or number of threads rounds differently. */
    BACKEND(true);

    private final boolean changeable;

    RunSetting(boolean changeable) {
        this.changeable = changeable;
    }

    /** Whether a run remains the same run, though not to the bit, when this changes. */
    boolean isChangeable() {
        return changeable;
    }

    /**
     * For messages and checkpoints.
     *
     * @return such as {@code learning rate}
     */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
