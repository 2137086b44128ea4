package dev.instaflow.tokenizer;

/**
 * A stretch of a prompt and how strongly it is to be heeded.
 *
 * @param text without the signs that gave the weight
 * @param weight 1 is neutral
 */
public record WeightedText(String text, float weight) {}
