package dev.instaflow.ptx.run;

/** Extent of a grid or block, or the index of a block in its grid. */
public record Dim3(int x, int y, int z) {
    public Dim3 {
        if (x < 0 || y < 0 || z < 0) {
            throw new IllegalArgumentException(
                    "negative extent: (" + x + ", " + y + ", " + z + ")");
        }
    }

    public static Dim3 of(int x) {
        return new Dim3(x, 1, 1);
    }

    /** Product of the three. */
    public long count() {
        return Math.multiplyExact(Math.multiplyExact((long) x, y), z);
    }

    /** The position of a linear index, x running fastest. */
    Dim3 at(long index) {
        return new Dim3((int) (index % x), (int) (index / x % y), (int) (index / ((long) x * y)));
    }

    @Override
    public String toString() {
        return "(" + x + ", " + y + ", " + z + ")";
    }
}
