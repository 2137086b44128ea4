/**
 * Pixels and files: 8-bit images, their conversion from and to what the autoencoder sees, and PNG with
 * the generation's parameters in a text chunk. Start reading at {@link dev.instaflow.image.Pixels}.
 */
package dev.instaflow.image;
