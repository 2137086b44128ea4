package dev.instaflow.standin;

import java.nio.ByteBuffer;

/**
 * The native side's counterpart in Java. Its state is static because the native library's is: a process has one driver.
 */
final class NativeBridge {
    private static volatile KernelRunner kernels;
    private static volatile Origins origins = new Origins();
    private static boolean loaded;

    private NativeBridge() {}

    static synchronized void load() {
        if (!loaded) {
            NativeFiles.loadAll();
            attach(new byte[1]);
            loaded = true;
        }
    }

    static synchronized void restart(StandInSettings settings) {
        reset();
        kernels = new KernelRunner(settings);
        origins = new Origins();
        configure(settings.toNumbers());
    }

    static Origins origins() {
        return origins;
    }

    /** @param sample an array, by whose address the native side finds the heap */
    static native void attach(byte[] sample);

    static native void configure(long[] settings);

    static native void reset();

    static native void orderFailure(String function, long nth, int code);

    static native void orderFault(long nth, int code);

    /** Makes a message the last one. */
    static native void explain(String message);

    static native String lastMessage();

    /** Rows of a name and how often it was called. */
    static native String[] calls();

    static native String[] recordNames();

    /** {@link Ledger#WIDTH} numbers a record. */
    static native long[] recordNumbers();

    static native void clearRecords();

    /** Four numbers for each thing that happened to memory since the last call. */
    static native long[] drainMemory();

    static native ByteBuffer view(long address, long bytes);

    // What follows is called by the native side, on the thread that called the driver.

    static long loadModule(byte[] text) {
        return kernels.load(text);
    }

    static void unloadModule(long module) {
        kernels.unload(module);
    }

    /** Returns null if the module has no such kernel, which is the native side's convention. */
    static int[] describeKernel(long module, String name) {
        return kernels.describe(module, name);
    }

    /** Address and size, or null. */
    static long[] variable(long module, String name) {
        return kernels.variable(module, name);
    }

    static int launch(int kernel, int[] geometry, byte[] parameterBlock) {
        return kernels.launch(kernel, geometry, parameterBlock);
    }

    static void copyVariable(long address, ByteBuffer host, boolean toDevice) {
        kernels.copyVariable(address, host, toDevice);
    }

    static int requireWritten(String what, long start, long rowBytes, long distance, long rows) {
        return kernels.requireWritten(what, start, rowBytes, distance, rows);
    }

    static void created(int kind, long handle, long bytes) {
        origins.created(kind, handle, bytes);
    }

    static void destroyed(int kind, long handle) {
        origins.destroyed(kind, handle);
    }
}
