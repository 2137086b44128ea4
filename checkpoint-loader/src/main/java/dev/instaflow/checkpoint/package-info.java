/**
 * Model files as named tensors, whatever the container: {@code .ckpt} (zip and legacy pickle),
 * {@code .safetensors}, diffusers folders. Nothing in a file is ever executed or trusted: every
 * size, offset and count is checked against the file before memory is touched. Start reading at
 * {@link dev.instaflow.checkpoint.Checkpoint#open}.
 */
package dev.instaflow.checkpoint;
