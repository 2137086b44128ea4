package dev.instaflow.backend.cpu;

import org.bytedeco.javacpp.Pointer;

/** A pointer that can be moved, so that passing an address to native code makes no garbage. */
final class NativeAddress extends Pointer {
    /** Points at an absolute address. */
    NativeAddress at(long newAddress) {
        address = newAddress;
        return this;
    }
}
