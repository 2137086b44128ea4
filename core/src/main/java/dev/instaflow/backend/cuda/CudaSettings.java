package dev.instaflow.backend.cuda;

import dev.instaflow.backend.WeightStorage;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How a CUDA backend works.
 *
 * @param device its number, from 0
 * @param precision of the networks
 * @param wideRange of what overflows F16, such as an autoencoder, where {@code precision} is not F32: F32, with products
 *     in TF32 where the device has it, or for speed BF16
 * @param weights how those of layers are kept: {@link WeightStorage#TRAINABLE} in F32, beside copies in {@code precision},
 *     else in {@code precision} alone
 * @param cache a folder of this user's, where is kept which of cuDNN's algorithms are fastest; made when needed
 */
public record CudaSettings(
        int device,
        Precision precision,
        Precision wideRange,
        WeightStorage weights,
        Optional<Path> cache) {
    /** Checks the numbers. */
    public CudaSettings {
        if (device < 0) {
            throw new IllegalArgumentException("CUDA device " + device + ", expected 0 or above");
        }
        if (wideRange == Precision.F16) {
            throw new IllegalArgumentException("F16 has no wide range, expected F32 or BF16");
        }
    }

    /**
     * The first device.
     *
     * @param precision of the networks
     * @return without a cache
     */
    public static CudaSettings of(Precision precision) {
        return new CudaSettings(
                0, precision, Precision.F32, WeightStorage.PACKED, Optional.empty());
    }

    /**
     * Another device.
     *
     * @param number from 0
     * @return a changed copy
     */
    public CudaSettings withDevice(int number) {
        return new CudaSettings(number, precision, wideRange, weights, cache);
    }

    /**
     * A folder for what is found out about the device.
     *
     * @param folder of this user's
     * @return a changed copy
     */
    public CudaSettings withCache(Path folder) {
        return new CudaSettings(device, precision, wideRange, weights, Optional.of(folder));
    }

    /**
     * Another arithmetic for networks that overflow F16.
     *
     * @param other F32 or BF16
     * @return a changed copy
     */
    public CudaSettings withWideRange(Precision other) {
        return new CudaSettings(device, precision, other, weights, cache);
    }

    /**
     * Another way to keep weights.
     *
     * @param other of training, or any other one
     * @return a changed copy
     */
    public CudaSettings withWeights(WeightStorage other) {
        return new CudaSettings(device, precision, wideRange, other, cache);
    }
}
