package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxFunction;

/** The arguments of one launch, appended in the order of the kernel's parameters. */
public final class KernelArguments {
    private final PtxFunction function;
    private final byte[] block;
    private int next;

    KernelArguments(PtxFunction function) {
        this.function = function;
        this.block = new byte[function.parameterBytes()];
    }

    /** A device address, or another 8-byte integer. */
    public KernelArguments int64(long value) {
        return add(8, value);
    }

    /** A 4-byte integer. */
    public KernelArguments int32(int value) {
        return add(4, value);
    }

    public KernelArguments float32(float value) {
        return add(4, Float.floatToRawIntBits(value));
    }

    private KernelArguments add(int bytes, long value) {
        if (next == function.parameters().size()) {
            throw new IllegalArgumentException(
                    function.name() + ": more than " + next + " arguments");
        }
        Parameter parameter = function.parameters().get(next);
        if (parameter.sizeBytes() != bytes) {
            throw new IllegalArgumentException(
                    function.name()
                            + ": argument "
                            + next
                            + " has "
                            + bytes
                            + " bytes, parameter "
                            + parameter.name()
                            + " has "
                            + parameter.sizeBytes());
        }
        Bytes.put(block, parameter.offsetBytes(), bytes, value);
        next++;
        return this;
    }

    /**
     * The parameter block, complete.
     *
     * @throws IllegalArgumentException if arguments are missing
     */
    public byte[] toBlock() {
        if (next != function.parameters().size()) {
            throw new IllegalArgumentException(
                    function.name()
                            + ": "
                            + next
                            + " arguments, expected "
                            + function.parameters().size());
        }
        return block.clone();
    }
}
