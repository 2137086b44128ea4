/**
 * What is trained on: picture folders with their captions, and the latents that networks see of them. Bad
 * rows are reported, not fatal, since collections have some. Start reading at {@link
 * dev.instaflow.train.data.EmojiDataset}.
 */
package dev.instaflow.train.data;
