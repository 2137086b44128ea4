package dev.instaflow.ptx;

/**
 * A kernel parameter.
 *
 * @param name as declared
 * @param type element type
 * @param sizeBytes bytes of the whole parameter, an array included
 * @param offsetBytes where it starts in the parameter block
 */
public record Parameter(String name, ScalarType type, int sizeBytes, int offsetBytes) {}
