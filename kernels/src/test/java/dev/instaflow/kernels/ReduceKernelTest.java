package dev.instaflow.kernels;

import dev.instaflow.kernels.ReduceKernel.Columns;
import dev.instaflow.kernels.ReduceKernel.Partial;
import dev.instaflow.kernels.ReduceKernel.Total;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ReduceKernelTest {
    private static final int[][] SIZES = {
        {1, 1, 1}, {2, 7, 31}, {3, 100, 33}, {2, 257, 4}, {1, 130, 160}, {1, 1100, 3}
    };

    @ParameterizedTest
    @EnumSource
    void columnSumsMatchAtOddSizes(Storage storage) {
        for (int[] size : SIZES) {
            Columns spec = new Columns(storage, size[0], size[1], size[2]);
            int c = size[2];
            try (Emulator device = new Emulator(1)) {
                float[] x = device.normal(storage, size[0] * size[1] * c);
                long partial = device.empty(spec.partialBytes());
                long y = device.empty(Storage.F32, (long) size[0] * c);
                device.run(ReduceKernel.columns(spec, partial, device.upload(storage, x)));
                device.run(ReduceKernel.chunks(Partial.of(spec), y, partial));
                double[] expected = new double[size[0] * c];
                for (int i = 0; i < x.length; i++) {
                    expected[i / (size[1] * c) * c + i % c] += x[i];
                }
                // Every partial sum stays below the root of the count, give or take.
                Close.f32(5 * Math.sqrt(size[1]), 16)
                        .check(spec.toString(), expected, device.read(Storage.F32, y, size[0] * c));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void totalsMatchAtOddCounts(Storage storage) {
        // The last needs more than one step of a block: 1024 blocks of 256 threads take 2^20 F32.
        int[] counts = {1, 7, 31, 33, 100, 257, 5000, 1024 * 256 * storage.packSize() + 2050};
        for (int count : counts) {
            try (Emulator device = new Emulator(count)) {
                float[] x = device.normal(storage, count);
                long address = device.upload(storage, x);
                double sum = 0;
                double squares = 0;
                for (float v : x) {
                    sum += v;
                    squares += (double) v * v;
                }
                check(device, storage, Total.SUM, address, count, sum, 5 * Math.sqrt(count));
                check(device, storage, Total.SQUARES, address, count, squares, squares);
            }
        }
    }

    private static void check(
            Emulator device,
            Storage storage,
            Total what,
            long x,
            int count,
            double expected,
            double magnitude) {
        int blocks = ReduceKernel.totalBlocks(storage, count);
        long partial = device.empty(Storage.F32, blocks);
        long y = device.empty(Storage.F32, 1);
        device.run(ReduceKernel.total(storage, what, partial, x, count));
        device.run(ReduceKernel.blocks(y, partial, blocks));
        Close.f32(magnitude, 32)
                .check(
                        what + " of " + count,
                        new double[] {expected},
                        device.read(Storage.F32, y, 1));
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        Columns spec = new Columns(storage, 2, 512, 64);
        int count = 2 * 512 * 64;
        long bytes = (long) count * storage.sizeBytes();
        try (Emulator device = new Emulator(2)) {
            long x = device.upload(storage, device.normal(storage, count));
            long partial = device.empty(spec.partialBytes());
            long y = device.empty(Storage.F32, 128);
            device.runWithin(ReduceKernel.columns(spec, partial, x), bytes);
            device.runWithin(
                    ReduceKernel.chunks(Partial.of(spec), y, partial),
                    spec.partialBytes() + 128 * Float.BYTES);
            for (Total what : Total.values()) {
                device.runWithin(ReduceKernel.total(storage, what, partial, x, count), bytes);
            }
        }
    }
}
