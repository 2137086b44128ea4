package dev.instaflow.ptx;

import dev.instaflow.ptx.Operand.Immediate.Form;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads what follows a state space in a declaration: {@code .align 16 .b8 name[2][64] = {...};}. */
final class VariableParser {
    private VariableParser() {}

    static Variable variable(Tokens tokens, StateSpace space) {
        int align = 0;
        while (tokens.takeIf(".align")) {
            align = tokens.takeInt();
        }
        ScalarType type = type(tokens);
        String name = tokens.take();
        int size = arrayBytes(tokens, type);
        Variable.InitialBytes initial = Variable.InitialBytes.NONE;
        if (tokens.takeIf("=")) {
            initial = initialiser(tokens, type, size);
        }
        return new Variable(name, space, type, Math.max(align, type.sizeBytes()), size, initial);
    }

    static ScalarType type(Tokens tokens) {
        String word = tokens.peek();
        ScalarType type =
                ScalarType.named(word.startsWith(".") ? word.substring(1) : "?")
                        .orElseThrow(() -> tokens.error("expected a type, found '" + word + "'"));
        tokens.take();
        return type;
    }

    /** Bytes of {@code [2][64]} elements; without brackets one element; {@code []} is 0. */
    static int arrayBytes(Tokens tokens, ScalarType type) {
        int bytes = type.sizeBytes();
        while (tokens.takeIf("[")) {
            int length = tokens.peek().equals("]") ? 0 : tokens.takeInt();
            try {
                bytes = Math.multiplyExact(bytes, length);
            } catch (ArithmeticException e) {
                throw tokens.error("array of more than 2 GiB");
            }
            tokens.expect("]");
        }
        return bytes;
    }

    private static Variable.InitialBytes initialiser(Tokens tokens, ScalarType type, int size) {
        ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        try {
            int depth = 0;
            do {
                if (tokens.takeIf("{")) {
                    depth++;
                } else if (tokens.takeIf("}")) {
                    depth--;
                } else if (!tokens.takeIf(",")) {
                    put(bytes, type, Literals.take(tokens));
                }
            } while (depth > 0);
        } catch (BufferOverflowException e) {
            throw tokens.error("initialiser is longer than the variable of " + size + " bytes");
        }
        return new Variable.InitialBytes(bytes.array());
    }

    private static void put(ByteBuffer bytes, ScalarType type, Operand.Immediate value) {
        long bits = value.form() == Form.INTEGER ? value.bits() : value.bitsAs(type);
        switch (type.sizeBytes()) {
            case 1 -> bytes.put((byte) bits);
            case 2 -> bytes.putShort((short) bits);
            case 4 -> bytes.putInt((int) bits);
            default -> bytes.putLong(bits);
        }
    }
}
