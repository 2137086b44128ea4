/**
 * Pairs of a noise and what a teacher's flow makes of it: what reflow and distillation learn from. They are made
 * once, shard by shard, and read from the files while a student is trained, so that there may be more of them
 * than fits into memory. Start reading at {@link dev.instaflow.train.pairs.PairPlan}, then {@link
 * dev.instaflow.train.pairs.PairMaker} and {@link dev.instaflow.train.pairs.PairData}.
 */
package dev.instaflow.train.pairs;
