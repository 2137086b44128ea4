/**
 * The peer: libtorch through JavaCPP as one more {@link dev.instaflow.backend.Backend}, so that the same
 * models with the same weights run on it in the same process. It is used the way its own users would, with
 * fused attention and channels-last images, and gets whatever saves it a copy. Start reading at {@link
 * dev.instaflow.benchmarks.torch.TorchBackend}.
 */
package dev.instaflow.benchmarks.torch;
