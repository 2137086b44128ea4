package dev.instaflow.pipeline;

import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.tokenizer.ClipTokenizer;

/**
 * What is known of a model besides its weights.
 *
 * @param card what the tensors do not tell
 * @param config the sizes of its networks
 * @param tokenizer what cuts captions
 */
public record ModelDescription(ModelCard card, ModelConfig config, ClipTokenizer tokenizer) {}
