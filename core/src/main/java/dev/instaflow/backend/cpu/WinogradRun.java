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
                window.fill(memory, at.image, grid.top(down), grid.left(across), down > first);
                transform(memory);
                memory.run(plans.products(), at.kernels, memory.first(), memory.second());
                transformBack(memory);
                write(memory, down, across);
            }
        } finally {
            winograd.engine().allThreads();
            winograd.give(memory);
        }
    }

    /** From the window to all positions of all tiles, [across, down, tiles, Ci] in the first range. */
    private void transform(StripMemory memory) {
        long half = CpuStorage.bytesOf((long) grid.rows() * grid.windowWidth() * grid.in());
        plans.down().run(memory, memory.window(), memory.second(), half);
        long whole = CpuStorage.bytesOf((long) grid.basis().positions() * grid.tiles() * grid.in());
        plans.across().run(memory, memory.second(), memory.first(), whole);
    }

    /**
     * From products [across, down, tiles, Co] in the second range to an image of the strip's results in
     * the first.
     */
    private void transformBack(StripMemory memory) {
        WinogradBasis basis = grid.basis();
        long all = grid.tiles() * pixelBytes;
        plans.outDown().run(memory, memory.second(), memory.first(), basis.positions() * all);
        long each = basis.outputs() * all;
        plans.outAcross().run(memory, memory.first(), at.bias, memory.second(), each);
        for (int column = 0; column < basis.outputs(); column++) {
            long to = memory.first() + column * pixelBytes;
            memory.run(plans.scatter(), memory.second() + column * each, to);
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
            long from = memory.first() + i * stripRowBytes;
            long here = offset + i * rowBytes;
            if (at.residual == 0) {
                memory.copy(from, at.result + here, columns * pixelBytes);
            } else {
                memory.run(plans.sum(columns), from, at.residual + here, at.result + here);
            }
        }
    }
}
