package dev.instaflow.pipeline;

/**
 * A caption that a model was trained on.
 *
 * @param text the prompt
 * @param emoji the character that it describes
 */
public record Caption(String text, String emoji) {}
