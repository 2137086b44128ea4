/**
 * The autoencoder between pixels and latents of Stable Diffusion 1.x. The latents here are raw: the
 * scale factor between them and what the UNet sees belongs to the model card. Start reading at {@link
 * dev.instaflow.vae.AutoencoderKl}.
 */
package dev.instaflow.vae;
