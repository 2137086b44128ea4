/**
 * What a model file or folder is and whether it is whole: the data behind {@code inspect}. A file
 * that cannot be read is explained as well as one that can, so that the user knows what to do next.
 * Start reading at {@link dev.instaflow.checkpoint.inspect.Inspection}.
 */
package dev.instaflow.checkpoint.inspect;
