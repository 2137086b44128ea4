/**
 * What the three models share: the layers that hold weights, the loading of those weights, and the
 * monitor that is told after each block. Layers are immutable, know one interface, {@link
 * dev.instaflow.ops.Ops}, and so serve inference, training and tests alike. Start reading at {@link
 * dev.instaflow.nn.Weights}.
 */
package dev.instaflow.nn;
