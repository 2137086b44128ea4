/**
 * Training of the autoencoder between pictures and latents, whole or its decoder alone. It is resumed by the
 * same trainer and checkpoints as any other run. Start reading at {@link
 * dev.instaflow.train.vae.AutoencoderLearner}.
 */
package dev.instaflow.train.vae;
