package dev.instaflow.ptx;

/**
 * A declared variable.
 *
 * @param name as declared
 * @param space global, const, shared, local or param
 * @param type element type
 * @param alignBytes alignment
 * @param sizeBytes bytes; 0 for {@code extern .shared x[]}, whose size the launch gives
 * @param initialBytes contents at load, empty if not given
 */
public record Variable(
        String name,
        StateSpace space,
        ScalarType type,
        int alignBytes,
        int sizeBytes,
        InitialBytes initialBytes) {

    /** Contents of an initialised variable, little-endian; never modified after parsing. */
    public static final class InitialBytes {
        static final InitialBytes NONE = new InitialBytes(new byte[0]);
        private final byte[] bytes;

        InitialBytes(byte[] bytes) {
            this.bytes = bytes.clone();
        }

        public boolean isEmpty() {
            return bytes.length == 0;
        }

        /** A copy. */
        public byte[] toArray() {
            return bytes.clone();
        }
    }
}
