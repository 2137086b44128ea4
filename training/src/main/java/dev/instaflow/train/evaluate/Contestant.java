package dev.instaflow.train.evaluate;

import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.pipeline.ModelSource;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * A model with the way it is asked.
 *
 * @param name in the report, unlike the others'
 * @param source where it lies
 * @param weights plain or averaged
 * @param steps of its sampler; its card's default if empty. More than the card allows is done, and said.
 * @param guidance scale; its card's default if empty
 */
public record Contestant(
        String name,
        ModelSource source,
        WeightSet weights,
        OptionalInt steps,
        OptionalDouble guidance) {}
