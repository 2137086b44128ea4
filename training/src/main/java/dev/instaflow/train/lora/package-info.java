/**
 * Low-rank adapters under training, and found in what two models differ by. Adapters are extra products
 * beside the frozen weights, so a step neither merges weights nor computes gradients of their size. Start
 * reading at {@link dev.instaflow.train.lora.Adapters}.
 */
package dev.instaflow.train.lora;
