package dev.instaflow.backend.cpu;

import dev.instaflow.tensor.Shape;

/**
 * How an image is cut into strips of {@code rows} x {@code columns} tiles, the unit of work: what a strip
 * needs on its way through the transforms stays in one core's cache. The last strips of a row or column
 * reach over the edge. Depends on nothing but sizes, so neither do the bits of a result.
 *
 * @param basis the algorithm
 * @param height rows of the input
 * @param width columns of the input
 * @param in channels of the input
 * @param out channels of the result
 * @param rows rows of tiles in a strip
 * @param columns columns of tiles in a strip
 */
record WinogradGrid(
        WinogradBasis basis, int height, int width, int in, int out, int rows, int columns) {
    /** Enough for many threads. */
    private static final int FEWEST_CHAINS = 32;

    private static final int LONGEST_CHAIN = 8;
    private static final int TYPICAL_SIDE = 64;
    private static final int SMALL_IMAGE_STRIPS = 4;
    private static final int FEWEST_SHARED_TILES = 32;
    private static final int FEWEST_TILES = 64;
    private static final int MOST_TILES = 128;

    /** The grid for images [N,H,W,Ci]. */
    static WinogradGrid of(WinogradBasis basis, Shape x, int out) {
        int in = x.intSize(3);
        int height = x.intSize(1);
        int width = x.intSize(2);
        int down = divideUp(height, WinogradBasis.STEP);
        int across = divideUp(width, WinogradBasis.STEP);
        int tiles = Math.min(tiles(in, out), share(down * across));
        int columns = divideUp(across, divideUp(across, tiles));
        int rows = Math.min(down, Math.max(1, tiles / columns));
        return new WinogradGrid(
                basis, height, width, in, out, divideUp(down, divideUp(down, rows)), columns);
    }

    /** A grid of the usual number of tiles, for choosing primitives before the size is known. */
    static WinogradGrid typical(WinogradBasis basis, int in, int out) {
        return of(basis, Shape.of(1, TYPICAL_SIDE, TYPICAL_SIDE, in), out);
    }

    /** The more channels, the more tiles must share a reading of the kernels. */
    private static int tiles(int in, int out) {
        return Math.min(Math.max((in + out) * 3 / 16, FEWEST_TILES), MOST_TILES);
    }

    /** A small image is shared by a few threads, if no strip becomes tiny by that. */
    private static int share(int allTiles) {
        return Math.max(divideUp(allTiles, SMALL_IMAGE_STRIPS), FEWEST_SHARED_TILES);
    }

    private static int divideUp(int a, int b) {
        return (a + b - 1) / b;
    }

    int stripsDown() {
        return divideUp(height, rows * WinogradBasis.STEP);
    }

    int stripsAcross() {
        return divideUp(width, columns * WinogradBasis.STEP);
    }

    /** Strips below each other that one thread takes one after the other, sharing their borders. */
    int chainLength() {
        return Math.min(Math.max(stripsDown() * stripsAcross() / FEWEST_CHAINS, 1), LONGEST_CHAIN);
    }

    /** Chains of one image. */
    int chains() {
        return divideUp(stripsDown(), chainLength()) * stripsAcross();
    }

    /** Tiles of one strip. */
    int tiles() {
        return rows * columns;
    }

    /** Rows of the input that a strip reads, its border included. */
    int windowHeight() {
        return rows * WinogradBasis.STEP + WinogradBasis.WINDOW - WinogradBasis.STEP;
    }

    /** Columns of the input that a strip reads, its border included. */
    int windowWidth() {
        return columns * WinogradBasis.STEP + WinogradBasis.WINDOW - WinogradBasis.STEP;
    }

    /** Rows of the result that a strip makes, over the edge or not. */
    int resultHeight() {
        return rows * basis.outputs();
    }

    /** Columns of the result that a strip makes, over the edge or not. */
    int resultWidth() {
        return columns * basis.outputs();
    }

    /** Columns of the whole result. */
    int outWidth() {
        return width * basis.scale();
    }

    /** Rows of the whole result. */
    int outHeight() {
        return height * basis.scale();
    }

    /** The first row of the input that a strip reads, -1 at the top. */
    int top(int down) {
        return down * rows * WinogradBasis.STEP - 1;
    }

    /** The first column of the input that a strip reads, -1 on the left. */
    int left(int across) {
        return across * columns * WinogradBasis.STEP - 1;
    }

    /** Columns of the image that a strip's window sees. */
    int windowPixels(int across) {
        return Math.min(left(across) + windowWidth(), width) - Math.max(left(across), 0);
    }

    /** Rows that a strip adds to the result. */
    int resultRows(int down) {
        return Math.min(resultHeight(), outHeight() - down * resultHeight());
    }

    /** Columns that a strip adds to the result. */
    int resultColumns(int across) {
        return Math.min(resultWidth(), outWidth() - across * resultWidth());
    }

    /** Values of the window. */
    long windowValues() {
        return (long) windowHeight() * windowWidth() * in;
    }

    /** Values of the window at one vertical position. */
    long rowValues() {
        return (long) rows * windowWidth() * in;
    }

    /** Values of the window and of the tiles at one vertical position, or of the strip's result. */
    long workValues() {
        long tileValues = (long) basis.positions() * tiles() * in;
        long result = (long) resultHeight() * resultWidth() * out;
        return Math.max(rowValues() + tileValues, result);
    }

    /** Values of the products at one vertical position. */
    long productValues() {
        return (long) basis.positions() * tiles() * out;
    }

    /** Values of the products, transformed back in one direction. */
    long halfValues() {
        return basis.outputs() * productValues();
    }
}
