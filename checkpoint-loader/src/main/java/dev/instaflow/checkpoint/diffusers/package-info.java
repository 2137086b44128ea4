/**
 * Models in diffusers' folder layout: a {@code model_index.json} and a folder for each network,
 * with its weights in one file or in shards and its sizes in {@code config.json}. Folders with only
 * some of the networks are opened too, and so is the folder of one network. Start reading at
 * {@link dev.instaflow.checkpoint.diffusers.DiffusersFolder}.
 */
package dev.instaflow.checkpoint.diffusers;
