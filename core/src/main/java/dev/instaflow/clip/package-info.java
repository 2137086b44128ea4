/**
 * CLIP's text encoder, which turns token ids into the states that the UNet attends to. The ids come
 * from the tokenizer module, start and end marks and padding included. Start reading at {@link
 * dev.instaflow.clip.ClipTextModel}.
 */
package dev.instaflow.clip;
