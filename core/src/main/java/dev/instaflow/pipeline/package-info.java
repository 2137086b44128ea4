/**
 * From a prompt to images: the three models, a sampler and the image file, put together, with progress,
 * cancellation and everything that is needed to make an image again. Start reading at {@link
 * dev.instaflow.pipeline.TextToImage}.
 */
package dev.instaflow.pipeline;
