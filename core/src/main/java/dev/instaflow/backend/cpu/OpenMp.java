package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Device;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * The OpenMP runtime inside oneDNN: how many threads it uses, and how they wait. Both are out of reach in a
 * strictly modular application (see {@link WordCall}); then {@code OMP_NUM_THREADS} and {@code
 * GOMP_SPINCOUNT} decide.
 */
final class OpenMp {
    /**
     * Rounds that a thread spins before it sleeps, 20 to 60 microseconds on current processors: more than
     * the gap between two operations of a network. GNU OpenMP's own 300,000 are 16 ms, in which nobody else
     * gets the processor: with one more busy process on the machine a small model became 15 times slower.
     */
    private static final String SPIN_COUNT = "GOMP_SPINCOUNT=1000";

    private final Optional<WordCall> setNumThreads;

    private OpenMp(Optional<WordCall> setNumThreads) {
        this.setNumThreads = setNumThreads;
    }

    /** To be called after oneDNN has been loaded. */
    static OpenMp find() {
        return new OpenMp(WordCall.find("omp_set_num_threads"));
    }

    /**
     * Limits the spinning, unless the user's environment has its own rule. To be called before oneDNN is
     * loaded: the runtime reads its settings once.
     */
    static void limitSpinning() {
        if (Device.environmentHas("GOMP_SPINCOUNT") || Device.environmentHas("OMP_WAIT_POLICY")) {
            return;
        }
        Loader.load(BytePointer.class);
        Optional<WordCall> putenv = WordCall.find("putenv");
        if (putenv.isPresent()) {
            // The environment keeps the pointer itself, so this memory is never freed.
            BytePointer setting = new BytePointer(Pointer.malloc(SPIN_COUNT.length() + 1L));
            putenv.get().call(setting.putString(SPIN_COUNT).address());
        }
    }

    /** Whether {@link #limitCallingThread} has an effect. */
    boolean controllable() {
        return setNumThreads.isPresent();
    }

    /**
     * Sets how many threads share the parallel regions that the calling thread starts; OpenMP keeps this
     * for each thread by itself.
     */
    void limitCallingThread(int threads) {
        if (setNumThreads.isPresent()) {
            setNumThreads.get().call(threads);
        }
    }
}
