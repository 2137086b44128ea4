package dev.instaflow.backend.cuda;

import static jcuda.driver.JCudaDriver.cuInit;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendProvider;
import dev.instaflow.backend.BackendUnavailableException;
import dev.instaflow.backend.Device;
import dev.instaflow.backend.WeightStorage;
import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalInt;
import jcuda.driver.CUresult;

/**
 * Offers {@link CudaBackend}, with networks in F16 unless the setting {@code instaflow.cuda.precision} names
 * another precision.
 */
public final class CudaProvider implements BackendProvider {
    private static final String PRECISION = "instaflow.cuda.precision";

    private final OptionalInt index;

    /** Called by the service loader; takes the first device that fits. */
    public CudaProvider() {
        this(OptionalInt.empty());
    }

    private CudaProvider(OptionalInt index) {
        this.index = index;
    }

    @Override
    public String name() {
        return index.isPresent() ? "cuda:" + index.getAsInt() : "cuda";
    }

    @Override
    public BackendProvider at(int device) {
        return new CudaProvider(OptionalInt.of(device));
    }

    @Override
    public Probe probe() {
        CudaFindings found = CudaProbe.ofProcess().device(index);
        return new Probe(found.usable(), found.reason());
    }

    @Override
    public Backend open(int threads) {
        if (threads < 0) {
            throw new IllegalArgumentException("CUDA backend with " + threads + " threads");
        }
        Probe probe = probe();
        int status = probe.usable() ? cuInit(0) : CUresult.CUDA_SUCCESS;
        if (!probe.usable() || status != CUresult.CUDA_SUCCESS) {
            throw new BackendUnavailableException(
                    name() + ": " + (probe.usable() ? CudaStatus.ofInit(status) : probe.reason()));
        }
        return CudaBackend.open(
                CudaSettings.of(precision())
                        .withDevice(CudaProbe.ofProcess().chosen(index))
                        .withCache(Device.cacheFolder()));
    }

    /** A GPU keeps weights in its own memory, in one form. */
    @Override
    public Backend open(int threads, WeightStorage weights) {
        return open(threads);
    }

    private static Precision precision() {
        String word = Device.setting(PRECISION).orElse(Precision.F16.name());
        return Arrays.stream(Precision.values())
                .filter(precision -> precision.name().equals(word.toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        PRECISION
                                                + " \""
                                                + word
                                                + "\": expected f16, bf16 or f32"));
    }
}
