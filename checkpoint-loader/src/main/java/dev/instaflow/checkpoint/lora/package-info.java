/**
 * Low-rank changes to a model's weights (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language
 * Models"), in the files that people exchange: kohya's and diffusers' or PEFT's. A file is read against the
 * model that it changes, whose names and shapes settle what its keys mean. Start reading at {@link
 * dev.instaflow.checkpoint.lora.LoraFile}.
 */
package dev.instaflow.checkpoint.lora;
