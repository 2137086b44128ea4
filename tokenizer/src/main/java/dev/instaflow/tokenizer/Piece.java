package dev.instaflow.tokenizer;

/**
 * One token, for people to read.
 *
 * @param id its id
 * @param piece as the vocabulary writes it, e.g. {@code "cat</w>"}
 * @param text what it stands for, e.g. {@code "cat"}; bytes that are only a part of a character
 *     show as U+FFFD
 */
public record Piece(int id, String piece, String text) {}
