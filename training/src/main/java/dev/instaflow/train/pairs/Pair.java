package dev.instaflow.train.pairs;

/**
 * A pair as it lies in a file.
 *
 * @param seed of its noise
 * @param caption its number
 * @param noiseCheck CRC-32C of the noise
 * @param states at the ends of the segments, the last being the latent; [segments][h*w*C]
 */
record Pair(long seed, int caption, int noiseCheck, float[][] states) {}
