package dev.instaflow.kernels;

/** Loss, gradient clipping and the optimiser's step. See {@code training.cu}. */
public final class TrainingKernel {
    private static final int ADAMW_ELEMENTS = 4;

    private TrainingKernel() {}

    /**
     * Sums of squared differences, one a block; {@link ReduceKernel#blocks} adds them up, and the caller divides.
     *
     * @param storage of prediction and target
     * @param partial written, [{@link ReduceKernel#totalBlocks}] F32
     * @param prediction [count]
     * @param target [count]
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch squaredError(
            Storage storage, long partial, long prediction, long target, long count) {
        Sizes.requirePositive("squared error: count", count);
        return KernelLaunch.of(KernelModule.TRAINING, "training_mse_" + storage.suffix())
                .grid(ReduceKernel.totalBlocks(storage, count))
                .operand("partial", partial)
                .operand("prediction", prediction)
                .operand("target", target)
                .int32(count)
                .block(Sizes.BLOCK);
    }

    /**
     * What an error's gradient is computed from.
     *
     * @param prediction [count]
     * @param target [count]
     */
    public record Error(long prediction, long target) {}

    /**
     * {@code scale * (prediction - target)}; the mean's gradient has scale 2 / count, times that of the loss.
     *
     * @param storage of all
     * @param gradient written, [count]; may be an operand
     * @param error read
     * @param scale of the difference
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch squaredErrorGradient(
            Storage storage, long gradient, Error error, float scale, long count) {
        Sizes.requirePositive("squared error: count", count);
        return KernelLaunch.of(KernelModule.TRAINING, "training_mse_grad_" + storage.suffix())
                .grid(Sizes.ceilDiv(count, (long) Sizes.BLOCK * storage.packSize()))
                .operand("gradient", gradient)
                .operand("prediction", error.prediction())
                .operand("target", error.target())
                .float32(scale)
                .int32(count)
                .block(Sizes.BLOCK);
    }

    /**
     * The factor that {@link #adamW} multiplies gradients with: the inverse of the loss scale, less where the norm is above its limit, and -1 where it
     * is no finite number.
     *
     * @param factor written, one F32
     * @param squares sum of the squares of all gradients, one F32
     * @param maxNorm the limit; infinity for none
     * @param unscale one by the loss scale
     * @return the launch
     */
    public static KernelLaunch clip(long factor, long squares, float maxNorm, float unscale) {
        return KernelLaunch.of(KernelModule.TRAINING, "training_clip_f32")
                .operand("factor", factor)
                .operand("squares", squares)
                .float32(maxNorm)
                .float32(unscale)
                .block(32);
    }

    /**
     * Settings of a step.
     *
     * @param rate learning rate
     * @param beta1 decay of the first moment
     * @param beta2 decay of the second moment
     * @param eps added to the root of the second moment
     * @param weightDecay decoupled
     * @param step from 1, for the bias correction
     * @param emaKeep share of the average that stays
     */
    public record AdamW(
            float rate,
            float beta1,
            float beta2,
            float eps,
            float weightDecay,
            long step,
            float emaKeep) {
        /** Checks the settings. */
        public AdamW {
            if (step < 1 || !(beta1 >= 0 && beta1 < 1) || !(beta2 >= 0 && beta2 < 1)) {
                throw new IllegalArgumentException(
                        "AdamW with betas " + beta1 + ", " + beta2 + " at step " + step);
            }
        }

        private float correct1() {
            return (float) (1 / (1 - Math.pow(beta1, step)));
        }

        private float correct2() {
            return (float) (1 / Math.sqrt(1 - Math.pow(beta2, step)));
        }
    }

    /**
     * What a step changes, each [count].
     *
     * @param weights F32
     * @param first moment, F32
     * @param second moment, F32
     * @param ema average of the weights, F32; 0 for none
     * @param copy of the weights in the gradients' storage; 0 for none
     */
    public record State(long weights, long first, long second, long ema, long copy) {}

    /**
     * What a step takes.
     *
     * @param storage of the gradients
     * @param address [count]
     * @param factor of {@link #clip}; 0 for 1
     */
    public record Gradients(Storage storage, long address, long factor) {}

    /**
     * One step of AdamW, Loshchilov and Hutter 2019, with the average and a rounded copy of the weights in the same pass.
     *
     * @param settings of this step
     * @param state changed
     * @param gradients read
     * @param count weights
     * @return the launch
     */
    public static KernelLaunch adamW(AdamW settings, State state, Gradients gradients, long count) {
        Sizes.requirePositive("AdamW: count", count);
        String entry = "training_adamw_" + gradients.storage().suffix();
        return KernelLaunch.of(KernelModule.TRAINING, entry)
                .grid(Sizes.ceilDiv(count, (long) Sizes.BLOCK * ADAMW_ELEMENTS))
                .operand("weights", state.weights())
                .operand("first moment", state.first())
                .operand("second moment", state.second())
                .optional("ema", state.ema())
                .optional("copy", state.copy())
                .operand("gradients", gradients.address())
                .optional("factor", gradients.factor())
                .float32(settings.rate())
                .float32(settings.beta1())
                .float32(settings.beta2())
                .float32(settings.eps())
                .float32(settings.weightDecay())
                .float32(settings.correct1())
                .float32(settings.correct2())
                .float32(settings.emaKeep())
                .int32(count)
                .block(Sizes.BLOCK);
    }
}
