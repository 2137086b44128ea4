/**
 * What a model is worth: it is asked all captions of a rule with fixed seeds, nothing picked, and measured
 * against the true pictures, beside other models. The pieces that a training run shows its progress with
 * are here too. Start reading at {@link dev.instaflow.train.evaluate.Evaluation}.
 */
package dev.instaflow.train.evaluate;
