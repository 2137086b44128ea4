package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.backend.Backend;
import dev.instaflow.standin.StandIn;
import dev.instaflow.standin.StandInSettings;
import java.util.List;
import java.util.Optional;
import jcuda.driver.JCudaDriver;

/** What the tests run on: the stand-in of the driver, or a GPU where {@code -Dinstaflow.cuda=driver} says so. */
public final class CudaTestDevice {
    private static final boolean REAL = "driver".equals(System.getProperty("instaflow.cuda"));

    /** Each tensor in memory of its own, so that the emulator sees who reads beside it. */
    private static final long APART = 1;

    private final Optional<StandIn> standIn;

    private CudaTestDevice(Optional<StandIn> standIn) {
        this.standIn = standIn;
    }

    /** A device with nothing on it; ends what was on the one before. */
    public static CudaTestDevice start(StandInSettings settings) {
        Optional<StandIn> standIn =
                REAL ? Optional.empty() : Optional.of(StandIn.install(settings));
        for (NvidiaLibrary library : NvidiaLibrary.values()) {
            library.load(CudaLibraryPath.ofProcess());
        }
        assertEquals(0, JCudaDriver.cuInit(0));
        return new CudaTestDevice(standIn);
    }

    /** The stand-in, for tests of what a GPU cannot be told to do. */
    public Optional<StandIn> standIn() {
        return standIn;
    }

    /** A backend whose tensors all lie apart. */
    public CudaBackend openApart(Precision precision) {
        return openApart(CudaSettings.of(precision));
    }

    /** As {@link #openApart(Precision)}, with other settings. */
    CudaBackend openApart(CudaSettings settings) {
        return CudaBackend.open(settings, APART);
    }

    /** A backend as users have it. */
    public CudaBackend open(Precision precision) {
        return CudaBackend.open(CudaSettings.of(precision));
    }

    /** Launches of a backend so far. */
    public static long launches(Backend backend) {
        return ((CudaBackend) backend).engine().context().counter().launches();
    }

    /** Calls of a backend so far. */
    public static long calls(Backend backend) {
        return ((CudaBackend) backend).engine().context().counter().calls();
    }

    /** Fails if something on the device, or of the driver's, was not given back. */
    public void requireNoLeaks() {
        standIn.ifPresent(driver -> assertEquals(List.of(), driver.leaks(), "left by the backend"));
    }
}
