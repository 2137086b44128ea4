/**
 * What travels with the weights of a model: the sizes of its networks, and its card. Both are read from
 * files as plain data and checked before anything is loaded. Start reading at {@link
 * dev.instaflow.model.ModelConfig}.
 */
package dev.instaflow.model;
