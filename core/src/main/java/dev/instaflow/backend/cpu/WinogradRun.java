package dev.instaflow.backend.cpu;

/** One convolution of one image, strip by strip: window, transforms, products and back. */
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

    @Override
    public void run(int strip) {
        StripMemory memory = winograd.takeMemory(grid);
        winograd.engine().oneThread();
        try {
            int down = strip / grid.stripsAcross();
            int across = strip % grid.stripsAcross();
            transform(memory, down, across);
            memory.run(plans.products(), at.kernels, memory.first(), memory.second());
            transformBack(memory);
            write(memory, down, across);
        } finally {
            winograd.engine().allThreads();
            winograd.give(memory);
        }
    }

    /** From the image to all positions of all tiles, [across, down, tiles, Ci] in the first range. */
    private void transform(StripMemory memory, int down, int across) {
        window.fill(memory, at.image, grid.top(down), grid.left(across), memory.first());
        long half = CpuStorage.bytesOf((long) grid.rows() * grid.windowWidth() * grid.in());
        plans.down().run(memory, memory.first(), memory.second(), half);
        long whole = CpuStorage.bytesOf((long) grid.basis().positions() * grid.tiles() * grid.in());
        plans.across().run(memory, memory.second(), memory.first(), whole);
    }

    /** From products [across, down, tiles, Co] to [across, down, tiles, Co] pixels, in the second range. */
    private void transformBack(StripMemory memory) {
        WinogradBasis basis = grid.basis();
        long all = grid.tiles() * pixelBytes;
        plans.outDown().run(memory, memory.second(), memory.first(), basis.positions() * all);
        plans.outAcross()
                .run(memory, memory.first(), at.bias, memory.second(), basis.outputs() * all);
    }

    private void write(StripMemory memory, int down, int across) {
        int rows = grid.resultRows(down);
        int columns = grid.resultColumns(across);
        long rowBytes = grid.outWidth() * pixelBytes;
        long offset =
                (long) down * grid.resultHeight() * rowBytes
                        + (long) across * grid.resultWidth() * pixelBytes;
        if (rows == grid.resultHeight() && columns == grid.resultWidth()) {
            scatter(memory, plans.scatter(), at.result + offset);
        } else {
            scatter(memory, plans.scatterOverEdge(), memory.first());
            long wholeRowBytes = grid.resultWidth() * pixelBytes;
            for (int i = 0; i < rows; i++) {
                memory.copy(
                        memory.first() + i * wholeRowBytes,
                        at.result + offset + i * rowBytes,
                        columns * pixelBytes);
            }
        }
        for (int i = 0; i < rows && at.residual != 0; i++) {
            long here = offset + i * rowBytes;
            Plan sum = plans.sum(columns);
            memory.run(sum, at.result + here, at.residual + here, at.result + here);
        }
    }

    /** Puts each column of the tiles in its place among the pixels. */
    private void scatter(StripMemory memory, Plan plan, long to) {
        int outputs = grid.basis().outputs();
        long each = outputs * grid.tiles() * pixelBytes;
        for (int column = 0; column < outputs; column++) {
            memory.run(plan, memory.second() + column * each, to + column * pixelBytes);
        }
    }
}
