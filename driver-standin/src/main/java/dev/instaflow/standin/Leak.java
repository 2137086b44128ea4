package dev.instaflow.standin;

/**
 * Something that was made and not given back.
 *
 * @param kind in words, such as {@code device memory}
 * @param handle or address
 * @param bytes of memory, 0 for all else
 * @param where the frames that made it, innermost first, JCuda's left out
 */
public record Leak(String kind, long handle, long bytes, String where) {
    @Override
    public String toString() {
        String size = bytes == 0 ? "" : " of " + bytes + " bytes";
        return kind + size + String.format(" 0x%x made in ", handle) + where;
    }
}
