package dev.instaflow.checkpoint.ckpt;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Cuts a pickle into instructions with their arguments, so that mutations keep them whole. */
final class PickleTokens {
    private PickleTokens() {}

    /** All instructions; what is not one makes up the last token. */
    static List<byte[]> split(byte[] pickle) {
        List<byte[]> tokens = new ArrayList<>();
        int at = 0;
        while (at < pickle.length) {
            int length = length(pickle, at);
            tokens.add(Arrays.copyOfRange(pickle, at, at + length));
            at += length;
        }
        return tokens;
    }

    static byte[] join(List<byte[]> tokens) {
        ByteBuffer joined = ByteBuffer.allocate(tokens.stream().mapToInt(t -> t.length).sum());
        tokens.forEach(joined::put);
        return joined.array();
    }

    private static int length(byte[] pickle, int at) {
        Optional<PickleOpcode> opcode = PickleOpcode.of(pickle[at] & 0xff);
        int rest = pickle.length - at;
        if (opcode.isEmpty()) {
            return rest;
        }
        long length =
                switch (opcode.get()) {
                    case PROTO, BININT1, BINPUT, BINGET -> 2;
                    case BININT2 -> 3;
                    case BININT, LONG_BINPUT, LONG_BINGET -> 5;
                    case BINFLOAT, FRAME -> 9;
                    case SHORT_BINSTRING, SHORT_BINUNICODE, SHORT_BINBYTES, LONG1 ->
                            2 + number(pickle, at, 1);
                    case BINSTRING, BINUNICODE, BINBYTES, LONG4 -> 5 + number(pickle, at, 4);
                    case BINUNICODE8, BINBYTES8, BYTEARRAY8 -> 9 + number(pickle, at, 8);
                    case INT, LONG, FLOAT, STRING, UNICODE, PUT, GET -> lines(pickle, at, 1);
                    case GLOBAL, INST -> lines(pickle, at, 2);
                    default -> 1;
                };
        return length > 0 && length <= rest ? (int) length : rest;
    }

    private static long number(byte[] pickle, int at, int bytes) {
        byte[] eight = new byte[8];
        int n = Math.min(bytes, pickle.length - at - 1);
        System.arraycopy(pickle, at + 1, eight, 0, n);
        return ByteBuffer.wrap(eight).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    private static long lines(byte[] pickle, int at, int count) {
        int end = at + 1;
        for (int line = 0; line < count; line++) {
            while (end < pickle.length && pickle[end] != '\n') {
                end++;
            }
            end++;
        }
        return end - at;
    }
}
