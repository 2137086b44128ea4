package dev.instaflow.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The PTX modules, one a family of kernels. */
public enum KernelModule {
    /** See {@link AttentionKernel}. */
    ATTENTION(80),
    /** See {@link AttentionGradientKernel}. */
    ATTENTION_BWD(80),
    /** See {@link AttentionKernel}. */
    ATTENTION_PLAIN(75),
    /** See {@link AttentionGradientKernel}. */
    ATTENTION_PLAIN_BWD(75),
    /** See {@link CastKernel}. */
    CAST(75),
    /** See {@link ChannelsKernel}. */
    CHANNELS(75),
    /** See {@link CombineKernel}. */
    COMBINE(75),
    /** See {@link ElementwiseKernel}. */
    ELEMENTWISE(75),
    /** See {@link EmbeddingKernel}. */
    EMBEDDING(75),
    /** See {@link FiniteKernel}. */
    FINITE(75),
    /** See {@link GegluKernel}. */
    GEGLU(75),
    /** See {@link GroupNormKernel}. */
    GROUP_NORM(75),
    /** See {@link ImageKernel}. */
    IMAGE(75),
    /** See {@link LayerNormKernel}. */
    LAYER_NORM(75),
    /** See {@link NoiseKernel}. */
    NOISE(75),
    /** See {@link ReduceKernel}. */
    REDUCE(75),
    /** See {@link TrainingKernel}. */
    TRAINING(75),
    /** See {@link UpsampleKernel}. */
    UPSAMPLE(75);

    private final int target;

    KernelModule(int target) {
        this.target = target;
    }

    /**
     * Base name of the source and of the resource.
     *
     * @return such as {@code group_norm}
     */
    public String fileName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The least compute capability that can load it.
     *
     * @return ten times the major number and the minor one, such as 75
     */
    public int target() {
        return target;
    }

    /**
     * The module's text.
     *
     * @return PTX of ISA 7.0
     */
    public String ptx() {
        String resource = fileName() + ".ptx";
        try (InputStream stream = KernelModule.class.getResourceAsStream(resource)) {
            if (stream == null) {
                throw new IllegalStateException("resource " + resource + " is missing");
            }
            return new String(stream.readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
    }
}
