/**
 * Turns a model of any supported container, naming and precision into another: the data behind
 * {@code convert}. Tensors are streamed one by one, and the result appears whole or not at all.
 * Start reading at {@link dev.instaflow.checkpoint.convert.Converter}.
 */
package dev.instaflow.checkpoint.convert;
