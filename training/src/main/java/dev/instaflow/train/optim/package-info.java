/**
 * What happens to parameters between steps: optimisers, learning rates, clipping, averages. All of it is
 * plain arithmetic on F32 arrays, so that a resumed run repeats it to the bit. Start reading at {@link
 * dev.instaflow.train.optim.AdamW}.
 */
package dev.instaflow.train.optim;
