package dev.instaflow.unet;

import dev.instaflow.nn.Linear;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** Turns the time label into a vector: sinusoids, then two linear layers. */
final class TimeEmbedding {
    private static final double MAX_PERIOD = 10_000;

    private final int channels;
    private final Linear first;
    private final Linear second;

    private TimeEmbedding(int channels, Linear first, Linear second) {
        this.channels = channels;
        this.first = first;
        this.second = second;
    }

    static TimeEmbedding load(Weights weights, UNetConfig config) {
        int channels = config.modelChannels();
        return new TimeEmbedding(
                channels,
                Linear.load(weights.under("0"), channels, config.timeChannels()),
                Linear.load(weights.under("2"), config.timeChannels(), config.timeChannels()));
    }

    /**
     * What the embedding begins with, all of it that depends on the labels.
     *
     * @param labels [N], may be fractional
     * @return [N,modelChannels]
     */
    Tensor sinusoids(Ops ops, float[] labels) {
        Shape shape = Shape.of(labels.length, channels);
        return ops.tensor("time sinusoids", shape, sinusoids(labels, channels));
    }

    /**
     * The embedding.
     *
     * @param sinusoids from {@link #sinusoids(Ops, float[])}
     * @return [N,E]
     */
    Tensor forward(Ops outer, Tensor sinusoids) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor h = ops.activation(Activation.SILU, first.forward(ops, sinusoids));
            return scope.escape(second.forward(ops, h));
        }
    }

    /**
     * {@code [cos(t f_i), sin(t f_i)]} with {@code f_i = 10000^(-i/half)}, i &lt; half. The angles are
     * products of floats, as in the programs that trained the weights: near t = 1000 the rounding is
     * worth 6e-5 radians, which double arithmetic would take away and so move the output.
     *
     * @param labels [N]
     * @return [N,channels]
     */
    static float[] sinusoids(float[] labels, int channels) {
        int half = channels / 2;
        float[] values = new float[labels.length * channels];
        for (int i = 0; i < half; i++) {
            float exponent = (float) -Math.log(MAX_PERIOD) * i / half;
            float frequency = (float) Math.exp(exponent);
            for (int n = 0; n < labels.length; n++) {
                float angle = labels[n] * frequency;
                values[n * channels + i] = (float) Math.cos(angle);
                values[n * channels + half + i] = (float) Math.sin(angle);
            }
        }
        return values;
    }
}
