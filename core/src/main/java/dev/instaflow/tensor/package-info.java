/**
 * Tensors as handles: shape, element type, device and the storage behind them. Arithmetic is not here
 * but in {@link dev.instaflow.ops.Ops}; a tensor only knows who it is and when it dies. Start reading
 * at {@link dev.instaflow.tensor.Tensor}.
 */
package dev.instaflow.tensor;
