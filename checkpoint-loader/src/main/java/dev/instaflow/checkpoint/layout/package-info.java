/**
 * What the tensors of a model are called, and which model they make: CompVis and diffusers names
 * both ways, EMA weights, sizes read off the shapes, missing and left-over keys. Model code knows
 * CompVis names only, so that each layer is written once, whatever file its weights came from.
 * Start reading at {@link dev.instaflow.checkpoint.layout.CompVisView}.
 */
package dev.instaflow.checkpoint.layout;
