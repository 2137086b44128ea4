package dev.instaflow.ptx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads one {@code .entry} or {@code .func} after that word. */
final class FunctionParser {
    private static final int MAX_THREADS = 1024;

    private final Tokens tokens;
    private final PtxFunction.Kind kind;
    private final int line;
    private final List<Parameter> parameters = new ArrayList<>();
    private final List<Variable> variables = new ArrayList<>();
    private final List<Instruction> instructions = new ArrayList<>();
    private final Map<String, Integer> labels = new HashMap<>();
    private final Deque<Map<String, Register>> scopes = new ArrayDeque<>();

    /** What calls pass is declared anew, under the same names, in a scope around each call. */
    private final Map<String, String> passed = new HashMap<>();

    private final Map<String, List<Operand>> branchTargets = new HashMap<>();
    private String lastLabel = "";
    private int registerCount;
    private int maxThreads = MAX_THREADS;

    FunctionParser(Tokens tokens, PtxFunction.Kind kind, int line) {
        this.tokens = tokens;
        this.kind = kind;
        this.line = line;
    }

    /** Empty for a declaration without a body. */
    Optional<PtxFunction> parse() {
        scopes.push(new HashMap<>());
        if (kind == PtxFunction.Kind.FUNC && tokens.peek().equals("(")) {
            parameterList();
        }
        String name = tokens.take();
        if (tokens.peek().equals("(")) {
            parameterList();
        }
        performanceDirectives();
        if (tokens.takeIf(";")) {
            return Optional.empty();
        }
        tokens.expect("{");
        int depth = 1;
        scopes.push(new HashMap<>());
        while (depth > 0) {
            if (tokens.takeIf("{")) {
                scopes.push(new HashMap<>());
                depth++;
            } else if (tokens.takeIf("}")) {
                scopes.pop();
                depth--;
            } else {
                statement();
            }
        }
        checkLabels();
        return Optional.of(
                new PtxFunction(
                        name,
                        kind,
                        line,
                        parameters,
                        registerCount,
                        variables,
                        instructions,
                        labels,
                        maxThreads));
    }

    /** Registers as parameters occur in {@code .func} alone. */
    private void parameterList() {
        tokens.expect("(");
        int end = parameters.isEmpty() ? 0 : endOf(parameters.get(parameters.size() - 1));
        while (!tokens.takeIf(")")) {
            if (tokens.takeIf(".reg")) {
                ScalarType type = VariableParser.type(tokens);
                declare(tokens.take(), type);
            } else {
                tokens.expect(".param");
                Variable v = VariableParser.variable(tokens, StateSpace.PARAM);
                int offset = Math.floorDiv(end + v.alignBytes() - 1, v.alignBytes());
                offset *= v.alignBytes();
                parameters.add(new Parameter(v.name(), v.type(), v.sizeBytes(), offset));
                end = offset + v.sizeBytes();
            }
            tokens.takeIf(",");
        }
    }

    private static int endOf(Parameter parameter) {
        return parameter.offsetBytes() + parameter.sizeBytes();
    }

    private void performanceDirectives() {
        while (tokens.peek().startsWith(".")) {
            String directive = tokens.take();
            switch (directive) {
                case ".maxntid", ".reqntid" -> {
                    int threads = tokens.takeInt();
                    while (tokens.takeIf(",")) {
                        threads *= tokens.takeInt();
                    }
                    maxThreads = threads;
                }
                case ".minnctapersm", ".maxnctapersm", ".maxnreg" -> tokens.takeInt();
                case ".pragma" -> tokens.skipPast(";");
                case ".noreturn" -> {}
                default -> throw tokens.error("unknown directive '" + directive + "'");
            }
        }
    }

    private void statement() {
        int at = tokens.line();
        String word = tokens.take();
        switch (word) {
            case ".reg" -> registers();
            case ".shared", ".local", ".const", ".global", ".param" -> {
                variable(StateSpace.named(word.substring(1)).orElseThrow());
                tokens.expect(";");
            }
            case ".branchtargets" -> branchTargets.put(lastLabel, branchTargets());
            case ".pragma", ".callprototype", ".calltargets" -> tokens.skipPast(";");
            case ".loc", ".file" -> tokens.skipLine(at);
            case ";" -> {}
            default -> {
                if (word.startsWith(".")) {
                    throw tokens.error(at, "unknown directive '" + word + "'");
                }
                if (tokens.takeIf(":")) {
                    labels.put(word, instructions.size());
                    lastLabel = word;
                } else {
                    instruction(word, at);
                }
            }
        }
    }

    private void variable(StateSpace space) {
        Variable v = VariableParser.variable(tokens, space);
        if (space == StateSpace.PARAM) {
            String unique = v.name() + "#" + variables.size();
            passed.put(v.name(), unique);
            v =
                    new Variable(
                            unique,
                            space,
                            v.type(),
                            v.alignBytes(),
                            v.sizeBytes(),
                            v.initialBytes());
        }
        variables.add(v);
    }

    private List<Operand> branchTargets() {
        List<Operand> targets = new ArrayList<>();
        while (!tokens.takeIf(";")) {
            targets.add(new Operand.Symbol(tokens.take(), 0));
            tokens.takeIf(",");
        }
        return targets;
    }

    private void registers() {
        ScalarType type = VariableParser.type(tokens);
        do {
            String name = tokens.take();
            if (tokens.takeIf("<")) {
                int count = tokens.takeInt();
                tokens.expect(">");
                for (int i = 0; i < count; i++) {
                    declare(name + i, type);
                }
            } else {
                declare(name, type);
            }
        } while (tokens.takeIf(","));
        tokens.expect(";");
    }

    private void declare(String name, ScalarType type) {
        scopes.element().put(name, new Register(name, type, registerCount++));
    }

    private void instruction(String first, int at) {
        String word = first;
        Optional<Operand.Reg> guard = Optional.empty();
        if (word.equals("@")) {
            boolean negated = tokens.takeIf("!");
            guard = Optional.of(new Operand.Reg(register(tokens.take()), negated));
            word = tokens.take();
        }
        String[] parts = word.split("\\.");
        List<Operand> operands = new ArrayList<>();
        while (!tokens.takeIf(";")) {
            operands.add(operand());
            if (!tokens.peek().equals(";")) {
                tokens.expect(",");
            }
        }
        List<String> modifiers = List.of(parts).subList(1, parts.length);
        instructions.add(new Instruction(at, guard, parts[0], modifiers, operands));
    }

    private Operand operand() {
        if (tokens.takeIf("{")) {
            return new Operand.Vector(list("}"));
        }
        if (tokens.takeIf("(")) {
            return new Operand.Vector(list(")"));
        }
        if (tokens.takeIf("[")) {
            Operand base = simple();
            long offset = offset();
            tokens.expect("]");
            return new Operand.Address(base, offset);
        }
        if (tokens.takeIf("!")) {
            return new Operand.Reg(register(tokens.take()), true);
        }
        Operand operand = simple();
        if (tokens.takeIf("|")) {
            return new Operand.Pair(operand, simple());
        }
        if (operand instanceof Operand.Symbol symbol) {
            return new Operand.Symbol(symbol.name(), offset());
        }
        return operand;
    }

    private List<Operand> list(String end) {
        List<Operand> elements = new ArrayList<>();
        while (!tokens.takeIf(end)) {
            elements.add(operand());
            tokens.takeIf(",");
        }
        return elements;
    }

    private long offset() {
        return tokens.takeIf("+") || tokens.peek().equals("-") ? Literals.take(tokens).bits() : 0;
    }

    private Operand simple() {
        if (Literals.isNext(tokens)) {
            return Literals.take(tokens);
        }
        String word = tokens.peek();
        if (word.isEmpty()) {
            throw tokens.error("the text ends within a statement");
        }
        if (word.equals("_")) {
            tokens.take();
            return new Operand.Sink();
        }
        Optional<Register> register = find(word);
        if (register.isPresent()) {
            tokens.take();
            return new Operand.Reg(register.get(), false);
        }
        if (word.equals("WARP_SZ") || SpecialRegisters.isKnown(word)) {
            tokens.take();
            return new Operand.Special(word);
        }
        if (!(Character.isLetter(word.charAt(0)) || "_$%".indexOf(word.charAt(0)) >= 0)) {
            throw tokens.error("expected an operand, found '" + word + "'");
        }
        if (word.startsWith("%")) {
            throw tokens.error("register " + word + " is not declared");
        }
        tokens.take();
        return new Operand.Symbol(passed.getOrDefault(word, word), 0);
    }

    private Register register(String name) {
        return find(name).orElseThrow(() -> tokens.error("register " + name + " is not declared"));
    }

    private Optional<Register> find(String name) {
        for (Map<String, Register> scope : scopes) {
            Register register = scope.get(name);
            if (register != null) {
                return Optional.of(register);
            }
        }
        return Optional.empty();
    }

    private void checkLabels() {
        for (int i = 0; i < instructions.size(); i++) {
            Instruction instruction = instructions.get(i);
            if (instruction.root().equals("bra")) {
                checkLabels(instruction, instruction.operands());
            } else if (instruction.root().equals("brx")) {
                instructions.set(i, withTargets(instruction));
            }
        }
    }

    /** Labels take the place of the name of their list. */
    private Instruction withTargets(Instruction brx) {
        boolean named =
                brx.operands().size() == 2 && brx.operands().get(1) instanceof Operand.Symbol;
        List<Operand> targets =
                named
                        ? branchTargets.getOrDefault(
                                ((Operand.Symbol) brx.operands().get(1)).name(), List.of())
                        : List.of();
        checkLabels(brx, targets);
        List<Operand> operands = List.of(brx.operands().get(0), new Operand.Vector(targets));
        return new Instruction(brx.line(), brx.guard(), brx.root(), brx.modifiers(), operands);
    }

    private void checkLabels(Instruction instruction, List<Operand> targets) {
        boolean known =
                targets.stream()
                        .allMatch(
                                t -> t instanceof Operand.Symbol s && labels.containsKey(s.name()));
        if (!known || targets.isEmpty()) {
            throw tokens.error(instruction.line(), "branch to an undefined label");
        }
    }
}
