/**
 * The denoising network of Stable Diffusion 1.x and InstaFlow: a U-shaped stack of residual and
 * attention blocks, conditioned on a time label and on text states. Block and key names are those of
 * CompVis, so that a message can be looked up in the file. Start reading at {@link
 * dev.instaflow.unet.UNet}.
 */
package dev.instaflow.unet;
