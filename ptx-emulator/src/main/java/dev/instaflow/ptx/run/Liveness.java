package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.PtxFunction;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;

/** Which registers a lane may still read, before each instruction; the usual backward analysis. */
final class Liveness {
    /** Roots whose first operand is read, or is no register. */
    private static final Set<String> WITHOUT_TARGET =
            Set.of("st", "red", "bar", "barrier", "bra", "brx", "cp", "stmatrix", "ret", "exit");

    private final List<BitSet> before = new ArrayList<>();

    Liveness(PtxFunction function, Step[] steps) {
        int count = function.instructions().size();
        for (int i = 0; i <= count; i++) {
            before.add(new BitSet());
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = count - 1; i >= 0; i--) {
                BitSet live = liveAfter(steps[i]);
                Instruction instruction = function.instructions().get(i);
                if (instruction.guard().isEmpty()) {
                    writes(instruction).forEach(live::clear);
                }
                reads(instruction).forEach(live::set);
                changed |= !live.equals(before.get(i));
                before.set(i, live);
            }
        }
    }

    private BitSet liveAfter(Step step) {
        BitSet live = new BitSet();
        for (int target : step.targets()) {
            live.or(before.get(target));
        }
        if (step.fallsThrough()) {
            live.or(before.get(step.index + 1));
        }
        return live;
    }

    /** Not to be modified. */
    BitSet before(int index) {
        return before.get(index);
    }

    /** Registers that an instruction writes in every lane that executes it. */
    static List<Integer> writes(Instruction instruction) {
        List<Integer> registers = new ArrayList<>();
        if (!WITHOUT_TARGET.contains(instruction.root()) && !instruction.operands().isEmpty()) {
            collect(instruction.operands().get(0), registers);
        }
        return registers;
    }

    /** Registers that an instruction may read, its guard among them. */
    static List<Integer> reads(Instruction instruction) {
        List<Integer> registers = new ArrayList<>();
        boolean target = !WITHOUT_TARGET.contains(instruction.root());
        for (int i = target ? 1 : 0; i < instruction.operands().size(); i++) {
            collect(instruction.operands().get(i), registers);
        }
        instruction.guard().ifPresent(g -> registers.add(g.register().index()));
        return registers;
    }

    private static void collect(Operand operand, List<Integer> registers) {
        if (operand instanceof Operand.Reg reg) {
            registers.add(reg.register().index());
        } else if (operand instanceof Operand.Address address) {
            collect(address.base(), registers);
        } else if (operand instanceof Operand.Pair pair) {
            collect(pair.first(), registers);
            collect(pair.second(), registers);
        } else if (operand instanceof Operand.Vector vector) {
            vector.elements().forEach(e -> collect(e, registers));
        }
    }
}
