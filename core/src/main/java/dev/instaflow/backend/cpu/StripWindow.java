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

    /** Fills the memory at {@code to} with the window whose first pixel is (top, left) of the image. */
    void fill(StripMemory memory, long image, int top, int left, long to) {
        int pixels = pixels(grid, left);
        long pixelBytes = CpuStorage.bytesOf(grid.in());
        long rowBytes = pixelBytes * grid.windowWidth();
        long before = (first(left) - left) * pixelBytes;
        long inside = pixels * pixelBytes;
        for (int i = 0; i < grid.windowHeight(); i++) {
            long row = to + i * rowBytes;
            int y = top + i;
            if (y < 0 || y >= grid.height()) {
                memory.clear(row, rowBytes);
            } else {
                long from = image + ((long) y * grid.width() + first(left)) * pixelBytes;
                memory.clear(row, before);
                bring(memory, from, row + before, pixels);
                memory.clear(row + before + inside, rowBytes - before - inside);
            }
        }
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
