package dev.instaflow.train.data;

import dev.instaflow.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A SHA-256 of values of Java, each with its length where it has one, so that no two lists look alike. Not
 * thread-safe.
 */
public final class ContentDigest {
    private final MessageDigest sha256;

    /** Of nothing yet. */
    public ContentDigest() {
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /**
     * A number.
     *
     * @param value eight bytes
     * @return this
     */
    public ContentDigest add(long value) {
        sha256.update(buffer(Long.BYTES).putLong(value).array());
        return this;
    }

    /**
     * A text.
     *
     * @param text in UTF-8, with its length
     * @return this
     */
    public ContentDigest add(String text) {
        return add(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Bytes.
     *
     * @param bytes with their number
     * @return this
     */
    public ContentDigest add(byte... bytes) {
        add(bytes.length);
        sha256.update(bytes);
        return this;
    }

    /**
     * Values.
     *
     * @param values to the bit, with their number
     * @return this
     */
    public ContentDigest add(float... values) {
        ByteBuffer bytes = buffer(Math.multiplyExact(values.length, Float.BYTES));
        bytes.asFloatBuffer().put(values);
        return add(bytes.array());
    }

    /**
     * Values.
     *
     * @param values with their number
     * @return this
     */
    public ContentDigest add(int... values) {
        ByteBuffer bytes = buffer(Math.multiplyExact(values.length, Integer.BYTES));
        bytes.asIntBuffer().put(values);
        return add(bytes.array());
    }

    /**
     * A shape.
     *
     * @param shape its sizes
     * @return this
     */
    public ContentDigest add(Shape shape) {
        return add(shape.toString());
    }

    /**
     * Bytes that need no length of their own.
     *
     * @param bytes read to its limit
     * @return this
     */
    public ContentDigest addAll(ByteBuffer bytes) {
        sha256.update(bytes);
        return this;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The sum of all that was added; the next one is of nothing again.
     *
     * @return 32 bytes
     */
    public byte[] bytes() {
        return sha256.digest();
    }

    /**
     * {@link #bytes} in lower-case hexadecimal.
     *
     * @return 64 digits
     */
    public String hex() {
        return HexFormat.of().formatHex(bytes());
    }
}
