package dev.instaflow.backend.cpu;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * The thread count of the OpenMP runtime inside oneDNN. No JavaCPP binding has
 * {@code omp_set_num_threads}, but JavaCPP finds its address, and has one native method that calls a C
 * function at an address with one word: what frees memory through a deallocator. That method is private;
 * where reflection may not reach it (JavaCPP as a named module that is not opened), the count stays what
 * {@code OMP_NUM_THREADS} or the processors say.
 */
final class OpenMp {
    private final Object caller;
    private final Method call;
    private final long setNumThreads;

    private OpenMp(Object caller, Method call, long setNumThreads) {
        this.caller = caller;
        this.call = call;
        this.setNumThreads = setNumThreads;
    }

    /** To be called after oneDNN has been loaded. */
    static OpenMp find() {
        Pointer function = Loader.addressof("omp_set_num_threads");
        if (function == null || function.isNull()) {
            return new OpenMp(null, null, 0);
        }
        try {
            Class<?> type = Class.forName("org.bytedeco.javacpp.Pointer$NativeDeallocator");
            Constructor<?> make =
                    type.getDeclaredConstructor(Pointer.class, long.class, long.class);
            Method method = type.getDeclaredMethod("deallocate", long.class, long.class);
            make.setAccessible(true);
            method.setAccessible(true);
            Object instance = make.newInstance(new NativeAddress(), 0L, 0L);
            return new OpenMp(instance, method, function.address());
        } catch (ReflectiveOperationException | RuntimeException e) {
            return new OpenMp(null, null, 0);
        }
    }

    /** Whether {@link #limitCallingThread} has an effect. */
    boolean controllable() {
        return call != null;
    }

    /**
     * Sets how many threads share the parallel regions that the calling thread starts; OpenMP keeps this
     * for each thread by itself.
     */
    void limitCallingThread(int threads) {
        if (call == null) {
            return;
        }
        try {
            call.invoke(caller, (long) threads, setNumThreads);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("omp_set_num_threads(" + threads + ")", e);
        }
    }
}
