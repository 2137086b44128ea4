package dev.instaflow.backend.cpu;

/**
 * Brings the part of an image that a strip reads into the strip's memory, zeros where it lies outside: as
 * it is, or on the way through {@code activation(x * scale + shift)}, so that a normalised image is never
 * written as a whole.
 */
final class StripWindow {
    private static final Plan[] NO_PASSES = {};

    private final WinogradGrid grid;
    private final long scale;
    private final long shift;
    private final Plan[] passes;

    private StripWindow(WinogradGrid grid, long scale, long shift, Plan[] passes) {
        this.grid = grid;
        this.scale = scale;
        this.shift = shift;
        this.passes = passes;
    }

    /** Windows of the image as it is. */
    static StripWindow plain(WinogradGrid grid) {
        return new StripWindow(grid, 0, 0, NO_PASSES);
    }

    /** Windows of {@code passes(x * scale + shift)}, the vectors [C] at these addresses. */
    static StripWindow scaled(WinogradGrid grid, Plan[] passes, long scale, long shift) {
        return new StripWindow(grid, scale, shift, passes);
    }

    /**
     * Fills the window of a strip; {@code below} says that it has the strip above, whose last rows are this
     * one's first.
     */
    void fill(StripMemory memory, long image, int down, int across, boolean below) {
        long pixelBytes = CpuStorage.bytesOf(grid.in());
        long rowBytes = pixelBytes * grid.windowWidth();
        int shared = below ? WinogradBasis.WINDOW - WinogradBasis.STEP : 0;
        if (below) {
            long last = memory.window() + (grid.windowHeight() - shared) * rowBytes;
            memory.copy(last, memory.window(), shared * rowBytes);
        }
        for (int i = shared; i < grid.windowHeight(); i++) {
            long to = memory.window() + i * rowBytes;
            int y = grid.top(down) + i;
            if (y < 0 || y >= grid.height()) {
                memory.clear(to, rowBytes);
            } else {
                fillRow(memory, image + (long) y * grid.width() * pixelBytes, across, to);
            }
        }
    }

    private void fillRow(StripMemory memory, long imageRow, int across, long to) {
        long pixelBytes = CpuStorage.bytesOf(grid.in());
        int pixels = grid.windowPixels(across);
        int first = Math.max(grid.left(across), 0);
        long before = (first - grid.left(across)) * pixelBytes;
        long inside = pixels * pixelBytes;
        memory.clear(to, before);
        bring(memory, imageRow + first * pixelBytes, to + before, pixels);
        memory.clear(to + before + inside, grid.windowWidth() * pixelBytes - before - inside);
    }

    private void bring(StripMemory memory, long from, long to, int pixels) {
        if (passes.length == 0) {
            memory.copy(from, to, CpuStorage.bytesOf((long) pixels * grid.in()));
        } else {
            memory.run(passes[pixels], shift, from, scale, to);
        }
    }
}
