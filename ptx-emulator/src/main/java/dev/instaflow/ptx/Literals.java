package dev.instaflow.ptx;

import dev.instaflow.ptx.Operand.Immediate;
import dev.instaflow.ptx.Operand.Immediate.Form;

/** Reads literals: {@code -12}, {@code 0x1FU}, {@code 0f3F800000}, {@code 0d3FF0000000000000}, {@code 1.5}. */
final class Literals {
    private Literals() {}

    static boolean isNext(Tokens tokens) {
        String word = tokens.peek();
        return word.equals("-") || (!word.isEmpty() && Character.isDigit(word.charAt(0)));
    }

    static Immediate take(Tokens tokens) {
        boolean negative = tokens.takeIf("-");
        String word = tokens.peek();
        Immediate value;
        try {
            value = read(word);
        } catch (NumberFormatException e) {
            throw tokens.error("expected a number, found '" + word + "'");
        }
        tokens.take();
        return negative ? negate(value) : value;
    }

    private static Immediate read(String word) {
        if (word.length() == 10 && (word.startsWith("0f") || word.startsWith("0F"))) {
            return new Immediate(Form.F32, Long.parseLong(word.substring(2), 16));
        }
        if (word.length() == 18 && (word.startsWith("0d") || word.startsWith("0D"))) {
            return new Immediate(Form.F64, Long.parseUnsignedLong(word.substring(2), 16));
        }
        if (word.indexOf('.') >= 0) {
            double value = Double.parseDouble(word);
            return new Immediate(Form.F64, Double.doubleToRawLongBits(value));
        }
        return new Immediate(Form.INTEGER, Tokens.integer(word));
    }

    private static Immediate negate(Immediate value) {
        return switch (value.form()) {
            case INTEGER -> new Immediate(Form.INTEGER, -value.bits());
            case F32 -> new Immediate(Form.F32, value.bits() ^ 0x80000000L);
            case F64 -> new Immediate(Form.F64, value.bits() ^ Long.MIN_VALUE);
        };
    }
}
