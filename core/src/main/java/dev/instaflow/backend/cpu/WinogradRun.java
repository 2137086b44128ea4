package dev.instaflow.backend.cpu;

/** One convolution of one image, chain by chain: window, transforms, products and back. */
final class WinogradRun implements Workers.Part {
    /** What comes in and goes out, as addresses; {@code residual} is 0 where there is none. */
    record Addresses(long image, long kernels, long bias, long residual, long result) {}

    private final Winograd winograd;
    private final WinogradGrid grid;
    private final StripPlans plans;
    private final StripWindow window;
    private final Addresses at;
    private final long pixelBytes;
    private final long kernelBytes;

    WinogradRun(
            Winograd winograd,
            WinogradGrid grid,
            StripPlans plans,
            StripWindow window,
            Addresses addresses) {
        this.winograd = winograd;
        this.grid = grid;
        this.plans = plans;
        this.window = window;
        this.at = addresses;
        this.pixelBytes = CpuStorage.bytesOf(grid.out());
        this.kernelBytes = plans.kernelBytes();
    }

    /** Takes one chain of strips from top to bottom. */
    @Override
    public void run(int chain) {
        StripMemory memory = winograd.takeMemory(grid);
        winograd.engine().oneThread();
        try {
            int across = chain % grid.stripsAcross();
            int first = chain / grid.stripsAcross() * grid.chainLength();
            int last = Math.min(first + grid.chainLength(), grid.stripsDown());
            for (int down = first; down < last; down++) {
                window.fill(memory, at.image, down, across, down > first);
                for (int position = 0; position < grid.basis().positions(); position++) {
                    multiply(memory, position);
                }
                finish(memory);
                write(memory, down, across);
            }
        } finally {
            winograd.engine().allThreads();
            winograd.give(memory);
        }
    }

    /**
     * One vertical position: of all tiles in the window, transformed, multiplied and halfway back, to
     * [outputs, position, tiles, Co]. One at a time, because that much stays in the cache.
     */
    private void multiply(StripMemory memory, int position) {
        long rows = memory.work();
        long tiles = rows + CpuStorage.bytesOf(grid.rowValues());
        plans.down().run(memory, position, memory.window(), rows);
        plans.across()
                .runAll(memory, rows, tiles, CpuStorage.bytesOf((long) grid.tiles() * grid.in()));
        memory.run(plans.products(), at.kernels + position * kernelBytes, tiles, memory.products());
        long all = grid.tiles() * pixelBytes;
        plans.outAcross()
                .runAll(
                        memory,
                        memory.products(),
                        memory.half() + position * all,
                        grid.basis().positions() * all);
    }

    /** The other half of the way back, to an image of the strip's results. */
    private void finish(StripMemory memory) {
        for (int row = 0; row < grid.basis().outputs(); row++) {
            plans.outDown().run(memory, row, memory.half(), at.bias, memory.products());
            long to = memory.work() + row * grid.resultWidth() * pixelBytes;
            memory.run(plans.scatter(), memory.products(), to);
        }
    }

    /** Rows one after the other: the result is larger than any cache, and memory likes it in order. */
    private void write(StripMemory memory, int down, int across) {
        int rows = grid.resultRows(down);
        int columns = grid.resultColumns(across);
        long stripRowBytes = grid.resultWidth() * pixelBytes;
        long rowBytes = grid.outWidth() * pixelBytes;
        long offset = down * grid.resultHeight() * rowBytes + across * stripRowBytes;
        for (int i = 0; i < rows; i++) {
            long from = memory.work() + i * stripRowBytes;
            long here = offset + i * rowBytes;
            if (at.residual == 0) {
                memory.copy(from, at.result + here, columns * pixelBytes);
            } else {
                memory.run(plans.sum(columns), from, at.residual + here, at.result + here);
            }
        }
    }
}
