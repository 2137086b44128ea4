/**
 * Gradients of the models: a tape that records what a network computes on any backend that trains, and
 * the parameters that an optimiser changes between steps. The networks know nothing of it, since the tape
 * is one more {@link dev.instaflow.ops.Ops}. Start reading at {@link dev.instaflow.train.Tape}.
 */
package dev.instaflow.train;
