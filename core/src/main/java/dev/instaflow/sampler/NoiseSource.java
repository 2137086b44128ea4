package dev.instaflow.sampler;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.LongFunction;
import java.util.stream.Collectors;

/**
 * Where random numbers come from, by name, so that an image can be made again elsewhere. The same
 * source and seed give the same bits on every machine and JDK.
 */
public enum NoiseSource {
    /**
     * {@code torch.randn} of a CPU generator in float32: MT19937. Equal to torch for fewer than 16
     * numbers a call; from 16 on within 3 ulp, because torch's vectorised logarithm and cosine round
     * differently. Half-precision draws of current torch are these, rounded.
     */
    TORCH_CPU(TorchCpuStream::new),

    /** {@code torch.randn} of a CUDA generator in float32: Philox4x32-10. */
    TORCH_CUDA(TorchCudaStream::new),

    /** SplitMix64 and the Box-Muller transform in double precision; see {@link JavaStream}. */
    JAVA(JavaStream::new);

    private final LongFunction<NoiseStream> streams;

    NoiseSource(LongFunction<NoiseStream> streams) {
        this.streams = streams;
    }

    /**
     * A stream from its beginning.
     *
     * @param seed any number; {@link #TORCH_CPU} uses the low 32 bits, as torch does
     * @return the stream of this seed
     */
    public NoiseStream stream(long seed) {
        return streams.apply(seed);
    }

    /**
     * As on the command line and in metadata.
     *
     * @return {@code torch-cpu}, {@code torch-cuda} or {@code java}
     */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * The source of a name.
     *
     * @param label as {@link #label()} gives it
     * @return the source
     * @throws IllegalArgumentException for another name; the message lists the known ones
     */
    public static NoiseSource of(String label) {
        for (NoiseSource source : values()) {
            if (source.label().equals(label)) {
                return source;
            }
        }
        throw new IllegalArgumentException(
                "unknown noise source \""
                        + label
                        + "\"; known are "
                        + Arrays.stream(values())
                                .map(NoiseSource::label)
                                .collect(Collectors.joining(", ")));
    }
}
