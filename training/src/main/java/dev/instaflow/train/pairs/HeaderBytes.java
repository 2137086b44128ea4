package dev.instaflow.train.pairs;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The fields of a header one after the other, little-endian, lengths before what has one. */
final class HeaderBytes {
    private HeaderBytes() {}

    /** Puts fields together. */
    static final class Writer {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        void number(long value) {
            out.writeBytes(buffer(Long.BYTES).putLong(value).array());
        }

        void real(double value) {
            number(Double.doubleToRawLongBits(value));
        }

        void bytes(byte... bytes) {
            number(bytes.length);
            out.writeBytes(bytes);
        }

        void text(String text) {
            bytes(text.getBytes(StandardCharsets.UTF_8));
        }

        void caption(PairCaption caption) {
            text(caption.text());
            ByteBuffer ids = buffer(caption.ids().length * Integer.BYTES);
            ids.asIntBuffer().put(caption.ids());
            bytes(ids.array());
        }

        byte[] bytes() {
            return out.toByteArray();
        }

        private static ByteBuffer buffer(int bytes) {
            return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /** Takes fields apart; whatever does not fit is an {@link IllegalArgumentException}. */
    static final class Reader {
        private final ByteBuffer in;

        Reader(byte... bytes) {
            in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }

        private void require(long bytes) {
            if (bytes < 0 || bytes > in.remaining()) {
                throw new IllegalArgumentException(
                        "a field of %d bytes, %d are left".formatted(bytes, in.remaining()));
            }
        }

        long number() {
            require(Long.BYTES);
            return in.getLong();
        }

        double real() {
            return Double.longBitsToDouble(number());
        }

        int positiveInt(String what) {
            long value = number();
            if (value < 1 || value > Integer.MAX_VALUE) {
                throw new IllegalArgumentException(what + ": " + value);
            }
            return (int) value;
        }

        byte[] bytes() {
            long length = number();
            require(length);
            byte[] bytes = new byte[(int) length];
            in.get(bytes);
            return bytes;
        }

        String text() {
            return new String(bytes(), StandardCharsets.UTF_8);
        }

        <E extends Enum<E>> E choice(Class<E> type) {
            String name = text();
            return Arrays.stream(type.getEnumConstants())
                    .filter(constant -> constant.name().equals(name))
                    .findFirst()
                    .orElseThrow(
                            () ->
                                    new IllegalArgumentException(
                                            "no " + type.getSimpleName() + " \"" + name + '"'));
        }

        PairCaption caption() {
            String text = text();
            byte[] bytes = bytes();
            int[] ids = new int[bytes.length / Integer.BYTES];
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(ids);
            return new PairCaption(text, ids);
        }

        void requireEnd() {
            if (in.hasRemaining()) {
                throw new IllegalArgumentException(in.remaining() + " bytes too many");
            }
        }
    }
}
