/**
 * CLIP's byte-level byte-pair encoding: a prompt becomes the token ids that a text encoder reads,
 * exactly as the program that trained it would have cut it, and a trainer makes such a vocabulary
 * from a corpus. It is a module of its own because it needs no tensors and no native code, and must
 * start fast. Start reading at {@link dev.instaflow.tokenizer.ClipTokenizer}.
 */
package dev.instaflow.tokenizer;
