package dev.instaflow.checkpoint.convert;

import java.nio.file.Path;
import java.util.List;

/**
 * What a conversion has written.
 *
 * @param output where it is
 * @param target what it is
 * @param tensors how many it holds
 * @param parameters their elements
 * @param bytes size of the weight files
 * @param notes what was left out or assumed, a sentence each
 */
public record ConversionResult(
        Path output, Target target, int tensors, long parameters, long bytes, List<String> notes) {
    /** Takes a copy of the list. */
    public ConversionResult {
        notes = List.copyOf(notes);
    }
}
