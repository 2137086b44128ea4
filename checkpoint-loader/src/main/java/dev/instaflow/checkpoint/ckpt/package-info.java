/**
 * Files of {@code torch.save}, zip and legacy, read and written without running what they contain.
 * Their pickle goes through a machine with a closed list of opcodes and globals that builds plain
 * values and tensor descriptions only; the numbers stay in the mapped file. Start reading at {@link
 * dev.instaflow.checkpoint.ckpt.CkptReader} and {@link dev.instaflow.checkpoint.ckpt.CkptWriter}.
 */
package dev.instaflow.checkpoint.ckpt;
