package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.DType;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes pickles of protocol 2, the one that {@code torch.save} uses: plain values, and tensors as
 * calls of {@code torch._utils} functions. Names are written once and recalled from the memo.
 */
final class PickleWriter {
    private static final int PROTOCOL = 2;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<String, Integer> memo = new HashMap<>();
    private final ByteBuffer number = ByteBuffer.allocate(Long.BYTES);

    PickleWriter() {
        opcode(PickleOpcode.PROTO);
        out.write(PROTOCOL);
    }

    /** Ends the pickle. */
    byte[] finish() {
        opcode(PickleOpcode.STOP);
        return out.toByteArray();
    }

    void opcode(PickleOpcode opcode) {
        out.write(opcode.code());
    }

    /** Opens {@code collections.OrderedDict()}, for items between MARK and SETITEMS. */
    void emptyOrderedDict() {
        global("collections", "OrderedDict");
        opcode(PickleOpcode.EMPTY_TUPLE);
        opcode(PickleOpcode.REDUCE);
    }

    /** A contiguous tensor that fills the storage of a key. */
    void tensor(DType dtype, List<Long> shape, List<Long> strides, String key, long count) {
        boolean typed = hasTypedStorage(dtype);
        global("torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
        opcode(PickleOpcode.MARK);
        opcode(PickleOpcode.MARK);
        name("storage");
        if (typed) {
            global("torch", storageName(dtype));
        } else {
            global("torch.storage", "UntypedStorage");
        }
        string(key);
        name("cpu");
        integer(typed ? count : count * dtype.sizeBytes());
        opcode(PickleOpcode.TUPLE);
        opcode(PickleOpcode.BINPERSID);
        integer(0);
        integers(shape);
        integers(strides);
        opcode(PickleOpcode.NEWFALSE);
        emptyOrderedDict();
        if (!typed) {
            global("torch", typeName(dtype));
        }
        opcode(PickleOpcode.TUPLE);
        opcode(PickleOpcode.REDUCE);
    }

    /**
     * A plain value.
     *
     * @param value a string, number, boolean, or a map or list of such
     * @throws IllegalArgumentException for anything else
     */
    void value(Object value) {
        if (value instanceof String text) {
            string(text);
        } else if (value instanceof Boolean flag) {
            opcode(flag ? PickleOpcode.NEWTRUE : PickleOpcode.NEWFALSE);
        } else if (value instanceof Float || value instanceof Double) {
            opcode(PickleOpcode.BINFLOAT);
            bytes(8, ByteOrder.BIG_ENDIAN).putDouble(((Number) value).doubleValue());
            flush();
        } else if (value instanceof Integer || value instanceof Long) {
            integer(((Number) value).longValue());
        } else if (value instanceof BigInteger big) {
            bigInteger(big);
        } else if (value instanceof Map<?, ?> map) {
            opcode(PickleOpcode.EMPTY_DICT);
            opcode(PickleOpcode.MARK);
            map.forEach(
                    (key, item) -> {
                        value(key);
                        value(item);
                    });
            opcode(PickleOpcode.SETITEMS);
        } else if (value instanceof List<?> list) {
            opcode(PickleOpcode.EMPTY_LIST);
            opcode(PickleOpcode.MARK);
            list.forEach(this::value);
            opcode(PickleOpcode.APPENDS);
        } else {
            throw new IllegalArgumentException(
                    "a checkpoint holds strings, numbers, booleans, maps and lists beside its"
                            + " tensors, not "
                            + value);
        }
    }

    void string(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        opcode(PickleOpcode.BINUNICODE);
        bytes(4, ByteOrder.LITTLE_ENDIAN).putInt(utf8.length);
        flush();
        out.writeBytes(utf8);
    }

    void integer(long value) {
        if (value >= 0 && value <= 0xff) {
            opcode(PickleOpcode.BININT1);
            out.write((int) value);
        } else if (value >= 0 && value <= 0xffff) {
            opcode(PickleOpcode.BININT2);
            bytes(2, ByteOrder.LITTLE_ENDIAN).putShort((short) value);
            flush();
        } else if (value == (int) value) {
            opcode(PickleOpcode.BININT);
            bytes(4, ByteOrder.LITTLE_ENDIAN).putInt((int) value);
            flush();
        } else {
            bigInteger(BigInteger.valueOf(value));
        }
    }

    private void bigInteger(BigInteger value) {
        byte[] bigEndian = value.toByteArray();
        if (bigEndian.length > 255) {
            throw new IllegalArgumentException("an integer of " + bigEndian.length + " bytes");
        }
        opcode(PickleOpcode.LONG1);
        out.write(bigEndian.length);
        for (int i = bigEndian.length - 1; i >= 0; i--) {
            out.write(bigEndian[i]);
        }
    }

    private void integers(List<Long> values) {
        opcode(PickleOpcode.MARK);
        values.forEach(this::integer);
        opcode(PickleOpcode.TUPLE);
    }

    private void name(String text) {
        if (!recall(text)) {
            string(text);
            remember(text);
        }
    }

    private void global(String module, String name) {
        String full = module + "\n" + name + "\n";
        if (!recall(full)) {
            opcode(PickleOpcode.GLOBAL);
            out.writeBytes(full.getBytes(StandardCharsets.US_ASCII));
            remember(full);
        }
    }

    private boolean recall(String text) {
        Integer slot = memo.get(text);
        if (slot == null) {
            return false;
        }
        opcode(PickleOpcode.BINGET);
        out.write(slot);
        return true;
    }

    /** One slot a name: there are fewer names than the 256 slots of BINPUT. */
    private void remember(String text) {
        int slot = memo.size();
        memo.put(text, slot);
        opcode(PickleOpcode.BINPUT);
        out.write(slot);
    }

    private ByteBuffer bytes(int length, ByteOrder order) {
        return number.clear().limit(length).order(order);
    }

    private void flush() {
        out.write(number.array(), 0, number.position());
    }

    private static boolean hasTypedStorage(DType dtype) {
        return switch (dtype) {
            case U16, U32, U64, F8_E4M3, F8_E5M2 -> false;
            default -> true;
        };
    }

    private static String storageName(DType dtype) {
        return switch (dtype) {
            case F64 -> "DoubleStorage";
            case F32 -> "FloatStorage";
            case F16 -> "HalfStorage";
            case BF16 -> "BFloat16Storage";
            case I64 -> "LongStorage";
            case I32 -> "IntStorage";
            case I16 -> "ShortStorage";
            case I8 -> "CharStorage";
            case BOOL -> "BoolStorage";
            default -> "ByteStorage";
        };
    }

    private static String typeName(DType dtype) {
        return switch (dtype) {
            case U16 -> "uint16";
            case U32 -> "uint32";
            case U64 -> "uint64";
            case F8_E4M3 -> "float8_e4m3fn";
            default -> "float8_e5m2";
        };
    }
}
