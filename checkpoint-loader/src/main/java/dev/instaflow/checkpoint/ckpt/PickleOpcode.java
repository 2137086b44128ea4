package dev.instaflow.checkpoint.ckpt;

import java.util.Map;
import java.util.Optional;

/**
 * The instructions that we follow: protocols 0 to 5 without the extension registry, out-of-band
 * buffers and textual persistent ids, which {@code torch.save} never writes. Names are those of
 * Python's {@code pickletools}.
 */
enum PickleOpcode {
    PROTO(0x80),
    FRAME(0x95),
    STOP('.'),
    MARK('('),
    POP('0'),
    POP_MARK('1'),
    DUP('2'),
    NONE('N'),
    NEWTRUE(0x88),
    NEWFALSE(0x89),
    INT('I'),
    BININT('J'),
    BININT1('K'),
    BININT2('M'),
    LONG('L'),
    LONG1(0x8a),
    LONG4(0x8b),
    FLOAT('F'),
    BINFLOAT('G'),
    STRING('S'),
    BINSTRING('T'),
    SHORT_BINSTRING('U'),
    UNICODE('V'),
    BINUNICODE('X'),
    SHORT_BINUNICODE(0x8c),
    BINUNICODE8(0x8d),
    BINBYTES('B'),
    SHORT_BINBYTES('C'),
    BINBYTES8(0x8e),
    BYTEARRAY8(0x96),
    EMPTY_LIST(']'),
    LIST('l'),
    APPEND('a'),
    APPENDS('e'),
    EMPTY_TUPLE(')'),
    TUPLE('t'),
    TUPLE1(0x85),
    TUPLE2(0x86),
    TUPLE3(0x87),
    EMPTY_DICT('}'),
    DICT('d'),
    SETITEM('s'),
    SETITEMS('u'),
    EMPTY_SET(0x8f),
    ADDITEMS(0x90),
    FROZENSET(0x91),
    GLOBAL('c'),
    STACK_GLOBAL(0x93),
    REDUCE('R'),
    BUILD('b'),
    INST('i'),
    OBJ('o'),
    NEWOBJ(0x81),
    NEWOBJ_EX(0x92),
    BINPERSID('Q'),
    PUT('p'),
    BINPUT('q'),
    LONG_BINPUT('r'),
    MEMOIZE(0x94),
    GET('g'),
    BINGET('h'),
    LONG_BINGET('j');

    private static final PickleOpcode[] BY_CODE = new PickleOpcode[256];

    private static final Map<Integer, String> REFUSED =
            Map.of(
                    0x82,
                    " (EXT1)",
                    0x83,
                    " (EXT2)",
                    0x84,
                    " (EXT4)",
                    0x97,
                    " (NEXT_BUFFER)",
                    0x98,
                    " (READONLY_BUFFER)",
                    (int) 'P',
                    " (PERSID)");

    private final int code;

    static {
        for (PickleOpcode opcode : values()) {
            BY_CODE[opcode.code] = opcode;
        }
    }

    PickleOpcode(int code) {
        this.code = code;
    }

    /** The byte in the file. */
    int code() {
        return code;
    }

    static Optional<PickleOpcode> of(int code) {
        return Optional.ofNullable(BY_CODE[code]);
    }

    /** The name of an instruction that exists and is refused, in brackets; else empty. */
    static String refusedName(int code) {
        return REFUSED.getOrDefault(code, "");
    }
}
