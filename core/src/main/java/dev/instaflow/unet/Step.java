package dev.instaflow.unet;

import dev.instaflow.tensor.Tensor;

/**
 * What every block of one evaluation is conditioned on.
 *
 * @param time [N,E], SiLU of the time embedding: each residual block would compute the same one
 * @param context keys and values of the text
 */
record Step(Tensor time, PreparedContext context) {}
