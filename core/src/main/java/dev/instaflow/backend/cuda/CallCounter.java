package dev.instaflow.backend.cuda;

import java.util.concurrent.atomic.LongAdder;

/** How often the driver and its libraries were called; without the setting of a thread's context before each. */
final class CallCounter {
    private final LongAdder calls = new LongAdder();
    private final LongAdder launches = new LongAdder();

    void countCall() {
        calls.increment();
    }

    void countLaunch() {
        launches.increment();
    }

    /** Calls into cuda, cuBLAS and cuDNN. */
    long calls() {
        return calls.sum();
    }

    /** Of those, launches of kernels of ours, products, convolutions and graphs. */
    long launches() {
        return launches.sum();
    }
}
