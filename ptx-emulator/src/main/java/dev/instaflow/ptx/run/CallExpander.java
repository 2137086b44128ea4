package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxException;
import dev.instaflow.ptx.PtxFunction;
import dev.instaflow.ptx.PtxProgram;
import dev.instaflow.ptx.Register;
import dev.instaflow.ptx.StateSpace;
import dev.instaflow.ptx.Variable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Puts the body of a device function in the place of each call, with registers, labels and variables of
 * its own, so that a kernel is one list of instructions. What is passed needs no copy: the callee's
 * parameters become names of the caller's variables.
 */
final class CallExpander {
    /** Recursion apart, calls within calls can grow without measure. */
    private static final int MAX_INSTRUCTIONS = 1_000_000;

    private final PtxProgram program;
    private final List<Instruction> instructions = new ArrayList<>();
    private final Map<String, Integer> labels = new HashMap<>();
    private final List<Variable> variables = new ArrayList<>();
    private final Deque<String> active = new ArrayDeque<>();
    private int registerCount;
    private int calls;

    private CallExpander(PtxProgram program) {
        this.program = program;
    }

    /**
     * @throws PtxException for a call that cannot be expanded: recursive, through a pointer, or of a
     *     function without a body
     */
    static PtxFunction expand(PtxProgram program, PtxFunction kernel) {
        CallExpander expander = new CallExpander(program);
        expander.add(kernel, new Copy(0, "", Map.of(), ""));
        return new PtxFunction(
                kernel.name(),
                kernel.kind(),
                kernel.line(),
                kernel.parameters(),
                expander.registerCount,
                expander.variables,
                expander.instructions,
                expander.labels,
                kernel.maxThreads());
    }

    /**
     * One instance of a function's body.
     *
     * @param firstRegister what its register 0 becomes
     * @param suffix of its labels and variables
     * @param names what its parameters are called by the caller
     * @param end label behind it, empty for the kernel itself
     */
    private record Copy(int firstRegister, String suffix, Map<String, String> names, String end) {
        Operand operand(Operand operand, Map<String, String> own) {
            if (operand instanceof Operand.Reg reg) {
                return register(reg);
            }
            if (operand instanceof Operand.Symbol symbol) {
                String name = names.getOrDefault(symbol.name(), own.get(symbol.name()));
                return name == null ? symbol : new Operand.Symbol(name, symbol.offset());
            }
            if (operand instanceof Operand.Address address) {
                return new Operand.Address(operand(address.base(), own), address.offset());
            }
            if (operand instanceof Operand.Pair pair) {
                return new Operand.Pair(operand(pair.first(), own), operand(pair.second(), own));
            }
            if (operand instanceof Operand.Vector vector) {
                return new Operand.Vector(
                        vector.elements().stream().map(e -> operand(e, own)).toList());
            }
            return operand;
        }

        Operand.Reg register(Operand.Reg reg) {
            Register old = reg.register();
            Register moved = new Register(old.name(), old.type(), old.index() + firstRegister);
            return new Operand.Reg(moved, reg.negated());
        }
    }

    private void add(PtxFunction function, Copy copy) {
        active.push(function.name());
        registerCount += function.registerCount();
        Map<String, String> own = new HashMap<>();
        for (Variable variable : function.variables()) {
            variables.add(renamed(variable, copy, own));
        }
        function.labels().keySet().forEach(l -> own.put(l, l + copy.suffix()));
        Map<Integer, List<String>> labelsAt = new HashMap<>();
        function.labels()
                .forEach((l, at) -> labelsAt.computeIfAbsent(at, k -> new ArrayList<>()).add(l));
        for (int i = 0; i <= function.instructions().size(); i++) {
            for (String label : labelsAt.getOrDefault(i, List.of())) {
                labels.put(own.get(label), instructions.size());
            }
            if (i < function.instructions().size()) {
                add(function.instructions().get(i), copy, own);
            }
        }
        active.pop();
    }

    /** Shared variables are the same in every call; others are each call's own. */
    private static Variable renamed(Variable variable, Copy copy, Map<String, String> own) {
        if (variable.space() == StateSpace.SHARED || copy.suffix().isEmpty()) {
            return variable;
        }
        String name = variable.name() + copy.suffix();
        own.put(variable.name(), name);
        return new Variable(
                name,
                variable.space(),
                variable.type(),
                variable.alignBytes(),
                variable.sizeBytes(),
                variable.initialBytes());
    }

    private void add(Instruction instruction, Copy copy, Map<String, String> own) {
        Optional<Operand.Reg> guard = instruction.guard().map(copy::register);
        List<Operand> operands =
                instruction.operands().stream().map(o -> copy.operand(o, own)).toList();
        if (instruction.root().equals("call")) {
            call(instruction, guard, operands);
        } else if (instruction.root().equals("ret") && !copy.end().isEmpty()) {
            branch(instruction.line(), guard, copy.end());
        } else {
            instructions.add(
                    new Instruction(
                            instruction.line(),
                            guard,
                            instruction.root(),
                            instruction.modifiers(),
                            operands));
        }
        if (instructions.size() > MAX_INSTRUCTIONS) {
            throw error(instruction, "makes a kernel of more than 1000000 instructions");
        }
    }

    private void branch(int line, Optional<Operand.Reg> guard, String label) {
        List<Operand> target = List.of(new Operand.Symbol(label, 0));
        instructions.add(new Instruction(line, guard, "bra", List.of(), target));
    }

    private void call(
            Instruction instruction, Optional<Operand.Reg> guard, List<Operand> operands) {
        List<Operand> passed = new ArrayList<>();
        String name = "";
        for (Operand operand : operands) {
            if (operand instanceof Operand.Vector vector) {
                passed.addAll(vector.elements());
            } else if (operand instanceof Operand.Symbol symbol && name.isEmpty()) {
                name = symbol.name();
            } else {
                throw error(instruction, "is known for functions called by their name only");
            }
        }
        String end = "end of call " + calls;
        if (guard.isPresent()) {
            Operand.Reg g = guard.get();
            Operand.Reg otherwise = new Operand.Reg(g.register(), !g.negated());
            branch(instruction.line(), Optional.of(otherwise), end);
        }
        if (name.equals("__assertfail")) {
            instructions.add(
                    new Instruction(
                            instruction.line(), Optional.empty(), "trap", List.of(), List.of()));
        } else {
            PtxFunction callee = callee(instruction, name);
            Copy copy =
                    new Copy(registerCount, "@" + calls++, names(instruction, callee, passed), end);
            add(callee, copy);
        }
        labels.put(end, instructions.size());
    }

    private PtxFunction callee(Instruction instruction, String name) {
        if (active.contains(name)) {
            throw error(instruction, "calls " + name + " within itself: recursion is not known");
        }
        return program.functions().stream()
                .filter(f -> f.kind() == PtxFunction.Kind.FUNC && f.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () -> error(instruction, "calls " + name + ", which has no body here"));
    }

    private Map<String, String> names(
            Instruction instruction, PtxFunction callee, List<Operand> passed) {
        List<Parameter> parameters = callee.parameters();
        if (parameters.size() != passed.size()) {
            throw error(
                    instruction,
                    "passes "
                            + passed.size()
                            + " values, "
                            + callee.name()
                            + " has "
                            + parameters.size()
                            + " parameters in memory");
        }
        Map<String, String> names = new HashMap<>();
        for (int i = 0; i < passed.size(); i++) {
            if (!(passed.get(i) instanceof Operand.Symbol symbol)) {
                throw error(instruction, "passes a register: only .param variables are known");
            }
            names.put(parameters.get(i).name(), symbol.name());
        }
        return names;
    }

    private PtxException error(Instruction instruction, String problem) {
        return new PtxException(
                program.source(), instruction.line(), "'" + instruction.opcode() + "' " + problem);
    }
}
