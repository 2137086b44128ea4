/**
 * Runs the kernels of a PTX program on the CPU, warp by warp in lockstep, and reports every access
 * that a GPU would punish: out of bounds, misaligned, uninitialised, racing, divergent. It exists so
 * that kernels are executed and measured on machines without a GPU; timing is not modelled. Start
 * reading at {@link dev.instaflow.ptx.run.EmulatedModule}, then {@code BlockRunner}; {@code
 * KernelCompiler} for the mode that runs bytecode.
 */
package dev.instaflow.ptx.run;
