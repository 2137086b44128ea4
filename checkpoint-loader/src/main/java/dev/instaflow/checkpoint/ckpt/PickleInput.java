package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** The bytes of a pickle: numbers, strings and lines, each checked against what is left. */
final class PickleInput {
    /** 19 digits are a {@code long}; the largest honest integer is the legacy magic with 24. */
    private static final int LONGEST_NUMBER = 256;

    private final String where;
    private final ByteBuffer bytes;

    /** Position of the opcode being read, for messages. */
    private int opcodeAt;

    private String opcodeName = "";

    /**
     * A pickle.
     *
     * @param where the file, and the entry in it
     * @param bytes from the first byte on; may be followed by other things
     */
    PickleInput(String where, ByteBuffer bytes) {
        this.where = where;
        this.bytes = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    int position() {
        return bytes.position();
    }

    int size() {
        return bytes.limit();
    }

    /** The next opcode, or empty at the end of the bytes. */
    Optional<PickleOpcode> opcode() throws CheckpointFormatException {
        opcodeAt = bytes.position();
        opcodeName = "";
        if (!bytes.hasRemaining()) {
            return Optional.empty();
        }
        int code = bytes.get() & 0xff;
        Optional<PickleOpcode> opcode = PickleOpcode.of(code);
        if (opcode.isEmpty()) {
            throw error(
                    String.format(
                            "opcode 0x%02x%s is not one that a model file needs",
                            code, PickleOpcode.refusedName(code)));
        }
        opcodeName = opcode.get().name();
        return opcode;
    }

    int unsignedByte() throws CheckpointFormatException {
        need(1);
        return bytes.get() & 0xff;
    }

    int unsignedShort() throws CheckpointFormatException {
        need(2);
        return bytes.getShort() & 0xffff;
    }

    int signedInt() throws CheckpointFormatException {
        need(4);
        return bytes.getInt();
    }

    long unsignedInt() throws CheckpointFormatException {
        return signedInt() & 0xffffffffL;
    }

    long length8() throws CheckpointFormatException {
        need(8);
        return bytes.getLong();
    }

    /** BINFLOAT is the one big-endian number of the format. */
    double bigEndianDouble() throws CheckpointFormatException {
        need(8);
        return Double.longBitsToDouble(Long.reverseBytes(bytes.getLong()));
    }

    /** Passes over a string of raw bytes. */
    long skip(long length) throws CheckpointFormatException {
        needLength(length);
        bytes.position(bytes.position() + (int) length);
        return length;
    }

    /** UTF-8, strictly. */
    String utf8(long length) throws CheckpointFormatException {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(slice(length)).toString();
        } catch (CharacterCodingException e) {
            throw error("the string is not valid UTF-8");
        }
    }

    /** A Python 2 string: text if it is UTF-8, else empty. */
    Optional<String> text(long length) throws CheckpointFormatException {
        try {
            return Optional.of(
                    StandardCharsets.UTF_8.newDecoder().decode(slice(length)).toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    /** A little-endian two's complement integer of any honest size. */
    Object integer(long length) throws CheckpointFormatException {
        if (length > LONGEST_NUMBER) {
            throw error("integer of length " + length + ", at most " + LONGEST_NUMBER + " bytes");
        }
        ByteBuffer slice = slice(length);
        byte[] bigEndian = new byte[(int) length];
        for (int i = bigEndian.length - 1; i >= 0; i--) {
            bigEndian[i] = slice.get();
        }
        return narrowed(bigEndian.length == 0 ? BigInteger.ZERO : new BigInteger(bigEndian));
    }

    /** A decimal integer on a line of its own, with or without Python 2's {@code L}. */
    Object integerLine() throws CheckpointFormatException {
        String line = line();
        String digits = line.endsWith("L") ? line.substring(0, line.length() - 1) : line;
        if (digits.length() > LONGEST_NUMBER) {
            throw error("a number of " + digits.length() + " digits, at most " + LONGEST_NUMBER);
        }
        try {
            return narrowed(new BigInteger(digits));
        } catch (NumberFormatException e) {
            throw error("the line is not an integer");
        }
    }

    double doubleLine() throws CheckpointFormatException {
        String line = line();
        try {
            if (line.length() <= LONGEST_NUMBER) {
                return Double.parseDouble(line);
            }
        } catch (NumberFormatException e) {
            throw error("the line is not a number");
        }
        throw error("a number of " + line.length() + " digits, at most " + LONGEST_NUMBER);
    }

    /** The rest of a line, without its end. */
    String line() throws CheckpointFormatException {
        int start = bytes.position();
        int end = start;
        while (end < bytes.limit() && bytes.get(end) != '\n') {
            end++;
        }
        if (end == bytes.limit()) {
            throw error("the pickle ends inside a line");
        }
        String line = utf8(end - start);
        bytes.get();
        return line;
    }

    CheckpointFormatException error(String problem) {
        return new CheckpointFormatException(
                where
                        + " at byte "
                        + opcodeAt
                        + (opcodeName.isEmpty() ? "" : ", " + opcodeName)
                        + ": "
                        + problem);
    }

    private ByteBuffer slice(long length) throws CheckpointFormatException {
        needLength(length);
        ByteBuffer slice = bytes.slice();
        slice.limit((int) length);
        bytes.position(bytes.position() + (int) length);
        return slice;
    }

    private void needLength(long length) throws CheckpointFormatException {
        if (length < 0 || length > bytes.remaining()) {
            throw error(
                    "length "
                            + Long.toUnsignedString(length)
                            + ", but only "
                            + bytes.remaining()
                            + " bytes are left");
        }
    }

    private void need(int length) throws CheckpointFormatException {
        if (length > bytes.remaining()) {
            throw error("the pickle ends inside an instruction");
        }
    }

    private static Object narrowed(BigInteger value) {
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }
}
