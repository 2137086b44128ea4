package dev.instaflow.sampler;

import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/** One run of a method on a grid; may remember earlier steps. */
interface Stepper {
    /**
     * Goes from level i to level i+1.
     *
     * @param scope dies after the step; what is to be remembered escapes from it and is closed when it
     *     is forgotten
     * @param i from 0, in order, none left out
     * @param x [N,h,w,C] the state at level i
     * @return [N,h,w,C] the state at level i+1, a fresh tensor of {@code scope}
     */
    Tensor step(Scope scope, int i, Tensor x);
}
