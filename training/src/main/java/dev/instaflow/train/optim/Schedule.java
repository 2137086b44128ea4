package dev.instaflow.train.optim;

import java.util.function.LongToDoubleFunction;

/** A learning rate made of a function and the words for it. */
record Schedule(LongToDoubleFunction rate, String description) implements LearningRate {
    @Override
    public double at(long step) {
        return rate.applyAsDouble(step);
    }
}
