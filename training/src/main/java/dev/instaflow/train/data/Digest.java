package dev.instaflow.train.data;

import dev.instaflow.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256 of values of Java, each with its length where it has one, so that no two lists look alike. */
final class Digest {
    private final MessageDigest sha256;

    Digest() {
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    Digest add(long value) {
        sha256.update(buffer(Long.BYTES).putLong(value).array());
        return this;
    }

    Digest add(String text) {
        return add(text.getBytes(StandardCharsets.UTF_8));
    }

    Digest add(byte... bytes) {
        add(bytes.length);
        sha256.update(bytes);
        return this;
    }

    Digest add(float... values) {
        ByteBuffer bytes = buffer(Math.multiplyExact(values.length, Float.BYTES));
        bytes.asFloatBuffer().put(values);
        return add(bytes.array());
    }

    Digest add(int... values) {
        ByteBuffer bytes = buffer(Math.multiplyExact(values.length, Integer.BYTES));
        bytes.asIntBuffer().put(values);
        return add(bytes.array());
    }

    Digest add(Shape shape) {
        return add(shape.toString());
    }

    /** Bytes that need no length of their own; the buffer is read to its limit. */
    Digest addAll(ByteBuffer bytes) {
        sha256.update(bytes);
        return this;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    byte[] bytes() {
        return sha256.digest();
    }

    /** In lower-case hexadecimal. */
    String hex() {
        return HexFormat.of().formatHex(bytes());
    }
}
