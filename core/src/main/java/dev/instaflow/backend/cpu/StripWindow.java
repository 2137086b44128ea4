package dev.instaflow.backend.cpu;

import dev.instaflow.ops.Activation;

/**
 * Brings the part of an image that a strip reads into the strip's memory, zeros where it lies outside: as
 * it is, or on the way through {@code activation(x * scale + shift)}, so that a normalised image is never
 * written as a whole.
 */
final class StripWindow implements AutoCloseable {
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
        return new StripWindow(grid, 0, 0, new Plan[0]);
    }

    /** Windows of {@code then(x * scale + shift)}; the vectors [C] of a sample follow each other. */
    static StripWindow scaled(
            WinogradGrid grid, Elementwise elementwise, Activation then, long scale, long shift) {
        Plan[] passes = new Plan[grid.windowWidth() + 1];
        for (int across = 0; across < grid.stripsAcross(); across++) {
            int pixels = pixels(grid, grid.left(across));
            if (passes[pixels] == null) {
                passes[pixels] = elementwise.scaleShiftHere(then, pixels, grid.in());
            }
        }
        return new StripWindow(grid, scale, shift, passes);
    }

    private static int first(int left) {
        return Math.max(left, 0);
    }

    private static int pixels(WinogradGrid grid, int left) {
        return Math.min(left + grid.windowWidth(), grid.width()) - first(left);
    }

    /**
     * Fills the window whose first pixel is (top, left) of the image; {@code below} says that it has the
     * strip above, whose last rows are this one's first.
     */
    void fill(StripMemory memory, long image, int top, int left, boolean below) {
        long pixelBytes = CpuStorage.bytesOf(grid.in());
        long rowBytes = pixelBytes * grid.windowWidth();
        int shared = below ? WinogradBasis.WINDOW - WinogradBasis.STEP : 0;
        if (below) {
            long last = memory.window() + (grid.windowHeight() - shared) * rowBytes;
            memory.copy(last, memory.window(), shared * rowBytes);
        }
        for (int i = shared; i < grid.windowHeight(); i++) {
            long to = memory.window() + i * rowBytes;
            int y = top + i;
            if (y < 0 || y >= grid.height()) {
                memory.clear(to, rowBytes);
            } else {
                fillRow(memory, image + (long) y * grid.width() * pixelBytes, left, to);
            }
        }
    }

    private void fillRow(StripMemory memory, long imageRow, int left, long to) {
        long pixelBytes = CpuStorage.bytesOf(grid.in());
        int pixels = pixels(grid, left);
        long before = (first(left) - left) * pixelBytes;
        long inside = pixels * pixelBytes;
        memory.clear(to, before);
        bring(memory, imageRow + first(left) * pixelBytes, to + before, pixels);
        memory.clear(to + before + inside, grid.windowWidth() * pixelBytes - before - inside);
    }

    private void bring(StripMemory memory, long from, long to, int pixels) {
        if (passes.length == 0) {
            memory.copy(from, to, CpuStorage.bytesOf((long) pixels * grid.in()));
        } else {
            memory.run(passes[pixels], shift, from, scale, to);
        }
    }

    @Override
    public void close() {
        for (Plan plan : passes) {
            if (plan != null) {
                plan.release();
            }
        }
    }
}
