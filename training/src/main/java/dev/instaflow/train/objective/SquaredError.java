package dev.instaflow.train.objective;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/**
 * The mean of squared differences over all elements.
 *
 * @param value the loss, summed in F64
 * @param gradient with respect to the prediction, {@code 2 (prediction - target) / count}, its shape
 */
public record SquaredError(double value, Tensor gradient) {
    /**
     * Compares a prediction with its target.
     *
     * @param ops owns the gradient
     * @param prediction any shape
     * @param target as many values
     * @return loss and gradient
     */
    public static SquaredError of(Ops ops, Tensor prediction, float[] target) {
        float[] values = ops.toArray(prediction);
        if (values.length != target.length) {
            throw new IllegalArgumentException(
                    "prediction %s with %d target values, expected %d"
                            .formatted(prediction, target.length, values.length));
        }
        float factor = 2f / values.length;
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            double difference = (double) values[i] - target[i];
            sum += difference * difference;
            values[i] = (values[i] - target[i]) * factor;
        }
        Tensor gradient = ops.tensor("gradient of the loss", prediction.shape(), values);
        return new SquaredError(sum / values.length, gradient);
    }
}
