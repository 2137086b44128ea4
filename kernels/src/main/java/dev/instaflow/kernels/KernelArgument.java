package dev.instaflow.kernels;

/** One argument of a kernel, with the type that its parameter has in the PTX. */
public sealed interface KernelArgument {
    /**
     * Bytes it takes in the parameter block.
     *
     * @return 4 or 8
     */
    int sizeBytes();

    /**
     * A device address; 0 where the kernel's header allows an operand to be absent.
     *
     * @param value the address
     */
    record Address(long value) implements KernelArgument {
        @Override
        public int sizeBytes() {
            return Long.BYTES;
        }
    }

    /**
     * A 32-bit integer, signed or not.
     *
     * @param value its bits
     */
    record Int32(int value) implements KernelArgument {
        @Override
        public int sizeBytes() {
            return Integer.BYTES;
        }
    }

    /**
     * A 64-bit integer that is no address.
     *
     * @param value its bits
     */
    record Int64(long value) implements KernelArgument {
        @Override
        public int sizeBytes() {
            return Long.BYTES;
        }
    }

    /**
     * A float.
     *
     * @param value any
     */
    record Float32(float value) implements KernelArgument {
        @Override
        public int sizeBytes() {
            return Float.BYTES;
        }
    }
}
