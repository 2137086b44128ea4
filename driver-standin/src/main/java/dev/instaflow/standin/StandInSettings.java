package dev.instaflow.standin;

/**
 * What device is pretended, and how its work is done.
 *
 * @param memoryBytes of device memory, all of which can be allocated
 * @param devices as {@code cuDeviceGetCount} says
 * @param computeCapability ten times the major number and the minor, such as 80
 * @param processors streaming multiprocessors
 * @param initStatus what {@code cuInit} returns; 0 if all is well, 100 for a driver without a device
 * @param order when work is done
 * @param work what is done
 * @param threads of the machine that fast kernels, matrix products and convolutions may use
 */
public record StandInSettings(
        long memoryBytes,
        int devices,
        int computeCapability,
        int processors,
        int initStatus,
        Order order,
        Work work,
        int threads) {

    /** When a stream's work is done. */
    public enum Order {
        /**
         * When something waits for it, and no more of it than has to be: who does not wait reads old bytes, and a
         * stream that does not wait for another runs before it.
         */
        DEFERRED,
        /** At the call. */
        IMMEDIATE
    }

    /** What is done. */
    public enum Work {
        /**
         * Kernels run under the emulator's sanitiser, and anything that it finds is a fault; so is a product or convolution that
         * reads what nobody wrote.
         */
        CHECKED,
        /** Kernels run compiled; only what a GPU would end a launch for is found. */
        FAST,
        /**
         * Nothing is computed, and device memory has no bytes behind it; calls are checked and work is counted. Copies to
         * the host give zeros.
         */
        DRY
    }

    private static final int MAX_DEVICES = 16;

    public StandInSettings {
        if (memoryBytes < 1) {
            throw new IllegalArgumentException("device memory of " + memoryBytes + " bytes");
        }
        if (devices < 0 || devices > MAX_DEVICES) {
            throw new IllegalArgumentException(devices + " devices: expected 0 to " + MAX_DEVICES);
        }
        if (computeCapability < 70 || computeCapability > 90) {
            throw new IllegalArgumentException(
                    "compute capability " + computeCapability + ": expected 70 to 90");
        }
        if (processors < 1 || threads < 1) {
            throw new IllegalArgumentException(
                    processors + " processors, " + threads + " threads: expected 1 or more");
        }
    }

    /** One device like an A100 with 1 GiB, work deferred and checked, one thread. */
    public static StandInSettings checked() {
        return new StandInSettings(1L << 30, 1, 80, 108, 0, Order.DEFERRED, Work.CHECKED, 1);
    }

    /** As {@link #checked()}, with compiled kernels and two threads. */
    public static StandInSettings fast() {
        return checked().withWork(Work.FAST).withThreads(2);
    }

    /** An A100 with 40 GiB that only counts. */
    public static StandInSettings dry() {
        return checked().withWork(Work.DRY).withMemoryBytes(40L << 30);
    }

    public StandInSettings withMemoryBytes(long bytes) {
        return new StandInSettings(
                bytes, devices, computeCapability, processors, initStatus, order, work, threads);
    }

    public StandInSettings withDevices(int count) {
        return new StandInSettings(
                memoryBytes,
                count,
                computeCapability,
                processors,
                initStatus,
                order,
                work,
                threads);
    }

    public StandInSettings withComputeCapability(int capability) {
        return new StandInSettings(
                memoryBytes, devices, capability, processors, initStatus, order, work, threads);
    }

    public StandInSettings withProcessors(int count) {
        return new StandInSettings(
                memoryBytes, devices, computeCapability, count, initStatus, order, work, threads);
    }

    /** What {@code cuInit} returns. */
    public StandInSettings withInitStatus(int status) {
        return new StandInSettings(
                memoryBytes, devices, computeCapability, processors, status, order, work, threads);
    }

    public StandInSettings withOrder(Order newOrder) {
        return new StandInSettings(
                memoryBytes,
                devices,
                computeCapability,
                processors,
                initStatus,
                newOrder,
                work,
                threads);
    }

    public StandInSettings withWork(Work newWork) {
        return new StandInSettings(
                memoryBytes,
                devices,
                computeCapability,
                processors,
                initStatus,
                order,
                newWork,
                threads);
    }

    public StandInSettings withThreads(int count) {
        return new StandInSettings(
                memoryBytes,
                devices,
                computeCapability,
                processors,
                initStatus,
                order,
                work,
                count);
    }

    /** In the order of the native side's configure. */
    long[] toNumbers() {
        return new long[] {
            memoryBytes,
            devices,
            computeCapability / 10,
            computeCapability % 10,
            processors,
            initStatus,
            order == Order.DEFERRED ? 1 : 0,
            work == Work.DRY ? 1 : 0,
            threads,
            work == Work.CHECKED ? 1 : 0
        };
    }
}
