package dev.instaflow.backend.cuda;

import jcuda.driver.CUdeviceptr;

/** Addresses as JCuda takes and gives them. */
final class DevicePointer extends CUdeviceptr {
    private static final CUdeviceptr ZERO = new CUdeviceptr();

    /** A pointer to an address. */
    static CUdeviceptr at(long address) {
        return ZERO.withByteOffset(address);
    }

    /** What JCuda wrote here. */
    long address() {
        return getNativePointer() + getByteOffset();
    }
}
