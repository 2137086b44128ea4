/**
 * Training runs: steps over data, and checkpoints that a run continues from to the same bits. Everything
 * random is a function of the seed and the step, so a checkpoint holds arrays and a number. Start reading
 * at {@link dev.instaflow.train.run.Trainer}.
 */
package dev.instaflow.train.run;
