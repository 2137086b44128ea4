/**
 * The CPU backend: oneDNN through JavaCPP, on pooled native memory, channels last. Primitives are made
 * once for each combination of operation, sizes and weight layout, weights are packed once at upload, and
 * the few loops that oneDNN lacks or does slowly (the statistics of a group norm, odd upsampling) are
 * plain Java over tiles copied to the heap. Start reading at {@code CpuOps}, then {@code Plan}.
 */
package dev.instaflow.backend.cpu;
