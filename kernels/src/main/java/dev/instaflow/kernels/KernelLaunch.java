package dev.instaflow.kernels;

import java.util.ArrayList;
import java.util.List;

/**
 * All that a driver needs to know to run a kernel.
 *
 * @param module the PTX that has the kernel
 * @param entry its name there
 * @param grid blocks
 * @param block threads a block
 * @param sharedBytes dynamic shared memory; above 48 KiB the driver has to be told beforehand (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
 * @param arguments in the order of the parameters
 */
public record KernelLaunch(
        KernelModule module,
        String entry,
        Extent grid,
        Extent block,
        int sharedBytes,
        List<KernelArgument> arguments) {
    /** What the driver takes in y and z. */
    private static final int MAX_GRID_YZ = 65_535;

    /**
     * Numbers of blocks or threads.
     *
     * @param x at least 1
     * @param y at least 1
     * @param z at least 1
     */
    public record Extent(int x, int y, int z) {
        /** Checks the numbers. */
        public Extent {
            if (x < 1 || y < 1 || z < 1) {
                throw new IllegalArgumentException("extent " + x + "x" + y + "x" + z + " is empty");
            }
        }

        /**
         * The product.
         *
         * @return how many there are in all
         */
        public long count() {
            return (long) x * y * z;
        }
    }

    /** Checks what no device would take. */
    public KernelLaunch {
        arguments = List.copyOf(arguments);
        if (block.count() > 1024 || grid.y() > MAX_GRID_YZ || grid.z() > MAX_GRID_YZ) {
            throw new IllegalArgumentException(
                    entry + ": no device launches a grid of " + grid + " blocks of " + block);
        }
    }

    static Builder of(KernelModule module, String entry) {
        return new Builder(module, entry);
    }

    /** Takes geometry and arguments one by one; arguments in the order of the parameters. */
    static final class Builder {
        private final KernelModule module;
        private final String entry;
        private final List<KernelArgument> arguments = new ArrayList<>();
        private Extent grid = new Extent(1, 1, 1);
        private int sharedBytes;

        private Builder(KernelModule module, String entry) {
            this.module = module;
            this.entry = entry;
        }

        Builder grid(long x) {
            return grid(x, 1, 1);
        }

        Builder grid(long x, long y, long z) {
            grid = new Extent(Math.toIntExact(x), Math.toIntExact(y), Math.toIntExact(z));
            return this;
        }

        Builder shared(long bytes) {
            sharedBytes = Math.toIntExact(bytes);
            return this;
        }

        /** An operand that has to be there; kernels read it in words of up to 16 bytes. */
        Builder operand(String name, long address) {
            return element(name, address, 16);
        }

        /** An operand that the kernel reads in words of that many bytes. */
        Builder element(String name, long address, int alignBytes) {
            if (address == 0 || address % alignBytes != 0) {
                throw new IllegalArgumentException(
                        String.format(
                                "%s: %s lies at 0x%x, expected a device address that is a multiple"
                                        + " of %d",
                                entry, name, address, alignBytes));
            }
            return add(new KernelArgument.Address(address));
        }

        /** An operand that may be absent. */
        Builder optional(String name, long address) {
            return address == 0 ? add(new KernelArgument.Address(0)) : operand(name, address);
        }

        Builder int32(long value) {
            return add(new KernelArgument.Int32(Math.toIntExact(value)));
        }

        Builder int64(long value) {
            return add(new KernelArgument.Int64(value));
        }

        Builder float32(float value) {
            return add(new KernelArgument.Float32(value));
        }

        private Builder add(KernelArgument argument) {
            arguments.add(argument);
            return this;
        }

        /** One launch with blocks of that many threads. */
        KernelLaunch block(int x) {
            return block(x, 1);
        }

        KernelLaunch block(int x, int y) {
            return new KernelLaunch(
                    module, entry, grid, new Extent(x, y, 1), sharedBytes, arguments);
        }
    }
}
