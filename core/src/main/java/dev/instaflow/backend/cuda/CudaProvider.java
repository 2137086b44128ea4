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
import java.util.stream.Collectors;
import jcuda.driver.CUresult;

/**
 * Offers {@link CudaBackend}, with networks in F16 unless the setting {@code instaflow.cuda.precision} names
 * another precision. Beside F16 the autoencoder computes in F32, or in what {@code
 * instaflow.cuda.autoencoder} names.
 */
public final class CudaProvider implements BackendProvider {
    private static final String PRECISION = "instaflow.cuda.precision";
    private static final String WIDE_RANGE = "instaflow.cuda.autoencoder";

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
        return open(threads, WeightStorage.PACKED);
    }

    /** What is trained computes in F32 where nothing else is asked for: F16 would need a scaled loss. */
    @Override
    public Backend open(int threads, WeightStorage weights) {
        if (threads < 0) {
            throw new IllegalArgumentException("CUDA backend with " + threads + " threads");
        }
        Probe probe = probe();
        int status = probe.usable() ? cuInit(0) : CUresult.CUDA_SUCCESS;
        if (!probe.usable() || status != CUresult.CUDA_SUCCESS) {
            throw new BackendUnavailableException(
                    name() + ": " + (probe.usable() ? CudaStatus.ofInit(status) : probe.reason()));
        }
        boolean trained = weights == WeightStorage.TRAINABLE;
        Precision networks =
                chosen(PRECISION, trained ? Precision.F32 : Precision.F16, Precision.values());
        Precision wideRange = chosen(WIDE_RANGE, Precision.F32, Precision.F32, Precision.BF16);
        return CudaBackend.open(
                CudaSettings.of(networks)
                        .withWideRange(wideRange)
                        .withWeights(weights)
                        .withDevice(CudaProbe.ofProcess().chosen(index))
                        .withCache(Device.cacheFolder()));
    }

    private static Precision chosen(String setting, Precision usual, Precision... choices) {
        String word = Device.setting(setting).orElse(usual.name());
        return Arrays.stream(choices)
                .filter(choice -> choice.name().equals(word.toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "%s \"%s\": expected %s"
                                                .formatted(setting, word, words(choices))));
    }

    private static String words(Precision... choices) {
        return Arrays.stream(choices)
                .map(choice -> choice.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(" or "));
    }
}
