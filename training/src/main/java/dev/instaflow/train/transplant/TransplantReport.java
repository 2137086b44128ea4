package dev.instaflow.train.transplant;

import java.util.List;

/**
 * What was added to a model.
 *
 * @param finetune the donor against the base
 * @param receiver the model that was changed against the base
 * @param blocks in the order of the model
 * @param changedTensors how many got a change that is not zero
 */
public record TransplantReport(
        Derivation finetune, Derivation receiver, List<Block> blocks, int changedTensors) {
    /** Takes a copy. */
    public TransplantReport {
        blocks = List.copyOf(blocks);
    }

    /**
     * The weights of one block together.
     *
     * @param name such as {@code model.diffusion_model.input_blocks.4}
     * @param receiverNorm Euclidean norm of the model's weights that have a change
     * @param changeNorm of what was added
     */
    public record Block(String name, double receiverNorm, double changeNorm) {
        /**
         * The change relative to the weights.
         *
         * @return at least 0
         */
        public double share() {
            return changeNorm == 0 ? 0 : changeNorm / receiverNorm;
        }
    }
}
