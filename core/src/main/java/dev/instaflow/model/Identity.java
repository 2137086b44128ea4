package dev.instaflow.model;

/**
 * What a model is called and may be used for.
 *
 * @param name short, as in file names
 * @param description one sentence
 * @param license SPDX expression or plain words
 */
public record Identity(String name, String description, String license) {}
