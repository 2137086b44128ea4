package dev.instaflow.ptx;

import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * One instruction.
 *
 * @param line where it stands in the text, from 1
 * @param guard predicate {@code @p} or {@code @!p} that must hold for a thread to execute it
 * @param root the first part of the opcode, {@code ld} of {@code ld.global.f32}
 * @param modifiers the other parts, without dots
 * @param operands in the order of the text
 */
public record Instruction(
        int line,
        Optional<Operand.Reg> guard,
        String root,
        List<String> modifiers,
        List<Operand> operands) {

    public Instruction {
        modifiers = List.copyOf(modifiers);
        operands = List.copyOf(operands);
    }

    /** The opcode as written. */
    public String opcode() {
        StringJoiner joined = new StringJoiner(".");
        joined.add(root);
        modifiers.forEach(joined::add);
        return joined.toString();
    }
}
