/**
 * What a network is trained to answer: from data and random numbers to states, labels and targets, without
 * any network in sight. Flow matching, reflow and one-step distillation differ only in where noise and
 * times come from. Start reading at {@link dev.instaflow.train.objective.Objective}.
 */
package dev.instaflow.train.objective;
