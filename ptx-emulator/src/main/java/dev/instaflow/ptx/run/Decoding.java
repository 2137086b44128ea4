package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.PtxException;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.StateSpace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One instruction while it is decoded. Modifiers are taken one by one, and one that nobody took is an
 * error: nothing is executed that was not understood whole.
 */
final class Decoding {
    private final String source;
    private final Instruction instruction;
    private final List<String> modifiers;
    private final RegisterPlan plan;
    private final Symbols symbols;
    private final Approximation approximation;

    Decoding(
            String source,
            Instruction instruction,
            RegisterPlan plan,
            Symbols symbols,
            Approximation approximation) {
        this.approximation = approximation;
        this.source = source;
        this.instruction = instruction;
        this.modifiers = new ArrayList<>(instruction.modifiers());
        this.plan = plan;
        this.symbols = symbols;
    }

    Approximation approximation() {
        return approximation;
    }

    String root() {
        return instruction.root();
    }

    boolean has(String modifier) {
        return modifiers.contains(modifier);
    }

    boolean take(String modifier) {
        return modifiers.remove(modifier);
    }

    /** The first modifier that is one of these, taken. */
    Optional<String> takeAny(String... choices) {
        for (String modifier : modifiers) {
            if (List.of(choices).contains(modifier)) {
                modifiers.remove(modifier);
                return Optional.of(modifier);
            }
        }
        return Optional.empty();
    }

    String require(String... choices) {
        return takeAny(choices)
                .orElseThrow(() -> error("needs one of " + String.join(", ", choices)));
    }

    /** Takes the last type among the modifiers. */
    ScalarType takeType() {
        for (int i = modifiers.size() - 1; i >= 0; i--) {
            Optional<ScalarType> type = ScalarType.named(modifiers.get(i));
            if (type.isPresent()) {
                modifiers.remove(i);
                return type.get();
            }
        }
        throw error("has no type");
    }

    /** Takes the last modifier, whatever it is. */
    String takeLast() {
        if (modifiers.isEmpty()) {
            throw error("has too few types");
        }
        return modifiers.remove(modifiers.size() - 1);
    }

    /** Takes a state space, {@link StateSpace#GENERIC} if there is none. */
    StateSpace takeSpace() {
        for (String modifier : modifiers) {
            Optional<StateSpace> space = StateSpace.named(modifier);
            if (space.isPresent()) {
                modifiers.remove(modifier);
                return space.get();
            }
        }
        return StateSpace.GENERIC;
    }

    /** Takes the space of an access at an address operand. */
    StateSpace takeAccessSpace(int operand) {
        StateSpace space =
                MemoryDecoder.spaceOf(modifiers, address(operand).base(), symbols::isParameter);
        takeSpace();
        return space;
    }

    /** Takes hints and orders that change nothing here: warps run in turn. */
    void ignore(String... names) {
        for (String name : names) {
            modifiers.remove(name);
        }
        modifiers.removeIf(m -> m.startsWith("L1::") || m.startsWith("L2::"));
    }

    /** To be called when all operands are read. */
    void finish() {
        if (!modifiers.isEmpty()) {
            throw error("unknown modifier ." + String.join(" .", modifiers));
        }
    }

    PtxException error(String problem) {
        return new PtxException(
                source, instruction.line(), "'" + instruction.opcode() + "' " + problem);
    }

    int operandCount() {
        return instruction.operands().size();
    }

    Operand operand(int index) {
        if (index >= instruction.operands().size()) {
            throw error("has " + instruction.operands().size() + " operands");
        }
        return instruction.operands().get(index);
    }

    /** Register that holds an operand; literals and symbols get one. */
    int value(int index, ScalarType type) {
        return value(operand(index), type);
    }

    int value(Operand operand, ScalarType type) {
        if (operand instanceof Operand.Reg reg && !reg.negated()) {
            if (reg.register().type() == ScalarType.PRED) {
                throw error("cannot take predicate " + reg.register().name() + " as a value");
            }
            return reg.register().index();
        }
        if (operand instanceof Operand.Immediate immediate) {
            return plan.constant(immediate.bitsAs(type));
        }
        if (operand instanceof Operand.Special special) {
            return plan.special(special.name());
        }
        if (operand instanceof Operand.Symbol symbol) {
            return plan.constant(symbols.address(symbol.name(), this) + symbol.offset());
        }
        throw error("cannot take this operand: " + operand);
    }

    /** Register to write; {@code _} gets one that nobody reads. */
    int target(Operand operand) {
        if (operand instanceof Operand.Reg reg && reg.register().type() != ScalarType.PRED) {
            return reg.register().index();
        }
        throw error("cannot write to " + operand);
    }

    int target(int index) {
        return target(operand(index));
    }

    /** Number of a predicate register; a negated one is not allowed. */
    int predicate(Operand operand) {
        if (operand instanceof Operand.Reg reg
                && reg.register().type() == ScalarType.PRED
                && !reg.negated()) {
            return reg.register().index();
        }
        throw error("expected a predicate, found " + operand);
    }

    /** A predicate as a mask of lanes, negation included. */
    Lanes lanes(Operand operand) {
        if (operand instanceof Operand.Reg reg && reg.register().type() == ScalarType.PRED) {
            int index = reg.register().index();
            return reg.negated() ? w -> ~w.predicates[index] : w -> w.predicates[index];
        }
        if (operand instanceof Operand.Immediate immediate) {
            int all = immediate.bits() == 0 ? 0 : -1;
            return w -> all;
        }
        throw error("expected a predicate, found " + operand);
    }

    boolean isPredicate(int index) {
        return operand(index) instanceof Operand.Reg reg
                && reg.register().type() == ScalarType.PRED;
    }

    int immediate(int index) {
        if (operand(index) instanceof Operand.Immediate immediate) {
            return (int) immediate.bits();
        }
        throw error("operand " + index + " must be a literal");
    }

    /** Elements of a vector operand, or the operand itself. */
    List<Operand> elements(int index) {
        return operand(index) instanceof Operand.Vector vector
                ? vector.elements()
                : List.of(operand(index));
    }

    /** Base register of an address operand. */
    int base(int index) {
        return value(address(index).base(), ScalarType.U64);
    }

    long offset(int index) {
        return address(index).offset();
    }

    /** The bits of a base register that are an address. */
    long baseMask(int index) {
        return address(index).base() instanceof Operand.Reg reg
                        && reg.register().type().sizeBytes() == 4
                ? 0xffffffffL
                : -1L;
    }

    private Operand.Address address(int index) {
        if (operand(index) instanceof Operand.Address address) {
            return address;
        }
        throw error("operand " + index + " must be an address");
    }

    /** Lanes for which something holds. */
    interface Lanes {
        int in(Warp warp);
    }
}
