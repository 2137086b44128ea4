package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.PtxFunction;
import dev.instaflow.ptx.ScalarType;
import java.util.Map;

/** Turns instructions into steps. The list of what is known is the switch in {@link #plain}. */
final class InstructionDecoder {
    private final String source;
    private final PtxFunction function;
    private final RegisterPlan plan;
    private final Symbols symbols;
    private final Approximation approximation;
    private int decoded;

    InstructionDecoder(
            String source,
            PtxFunction function,
            RegisterPlan plan,
            Symbols symbols,
            Approximation approximation) {
        this.approximation = approximation;
        this.source = source;
        this.function = function;
        this.plan = plan;
        this.symbols = symbols;
    }

    Step decode(Instruction instruction) {
        Decoding d = new Decoding(source, instruction, plan, symbols, approximation);
        Step step =
                switch (d.root()) {
                    case "bra" -> branch(d, instruction);
                    case "brx" -> table(d, instruction);
                    case "ret", "exit" ->
                            flow(instruction, Step.Flow.EXIT, InstructionClass.CONTROL, none(d), 0);
                    case "bar", "barrier" -> barrier(d, instruction);
                    case "shfl" ->
                            warp(
                                    d,
                                    instruction,
                                    InstructionClass.WARP,
                                    WarpDecoder.shuffle(d),
                                    d.value(4, ScalarType.B32));
                    case "vote" ->
                            warp(
                                    d,
                                    instruction,
                                    InstructionClass.WARP,
                                    voted(d),
                                    d.value(2, ScalarType.B32));
                    case "match" ->
                            warp(
                                    d,
                                    instruction,
                                    InstructionClass.WARP,
                                    WarpDecoder.match(d, d.takeType()),
                                    d.value(2, ScalarType.B32));
                    case "redux" ->
                            warp(
                                    d,
                                    instruction,
                                    InstructionClass.WARP,
                                    WarpDecoder.reduce(d, d.takeType()),
                                    d.value(2, ScalarType.B32));
                    case "ldmatrix" ->
                            warp(
                                    d,
                                    instruction,
                                    InstructionClass.LOAD,
                                    MatrixDecoder.loadMatrix(d),
                                    plan.constant(0xffffffffL));
                    case "movmatrix" ->
                            warp(
                                    d,
                                    instruction,
                                    InstructionClass.WARP,
                                    MatrixDecoder.transpose(d),
                                    plan.constant(0xffffffffL));
                    case "mma" ->
                            warp(
                                    d,
                                    instruction,
                                    InstructionClass.MATRIX,
                                    MultiplyDecoder.decode(d),
                                    plan.constant(0xffffffffL));
                    default -> plain(d, instruction);
                };
        d.finish();
        decoded++;
        return step;
    }

    private static Step.Action none(Decoding d) {
        d.ignore("uni");
        return (step, warp, mask) -> {};
    }

    private static Step.Action voted(Decoding d) {
        d.ignore("pred", "b32");
        return WarpDecoder.vote(d);
    }

    private Step branch(Decoding d, Instruction instruction) {
        Map<String, Integer> labels = function.labels();
        int target = labels.get(((Operand.Symbol) d.operand(0)).name());
        return flow(instruction, Step.Flow.BRANCH, InstructionClass.CONTROL, none(d), 0, target);
    }

    private Step table(Decoding d, Instruction instruction) {
        d.require("idx");
        int[] targets =
                d.elements(1).stream()
                        .mapToInt(t -> function.labels().get(((Operand.Symbol) t).name()))
                        .toArray();
        int index = d.value(0, ScalarType.U32);
        return flow(
                instruction, Step.Flow.TABLE, InstructionClass.CONTROL, none(d), index, targets);
    }

    private Step barrier(Decoding d, Instruction instruction) {
        if (d.take("warp")) {
            d.require("sync");
            Step.Action sync = (step, warp, mask) -> warp.syncEpoch++;
            return warp(d, instruction, InstructionClass.BARRIER, sync, d.value(0, ScalarType.B32));
        }
        String mode = d.require("sync", "arrive", "red");
        d.ignore("cta", "aligned");
        if (instruction.guard().isPresent()) {
            throw d.error("with a guard is not known: branch around it");
        }
        Step.Action action =
                switch (mode) {
                    case "sync" -> wait(d, 0, d.operandCount() > 1, BarrierReduction.NONE);
                    case "red" -> reduction(d);
                    default -> arrival(d);
                };
        return flow(instruction, Step.Flow.BARRIER, InstructionClass.BARRIER, action, 0);
    }

    private Step.Action wait(Decoding d, int at, boolean counted, BarrierReduction reduction) {
        int id = d.value(at, ScalarType.U32);
        int count = counted ? d.value(at + 1, ScalarType.U32) : plan.constant(0);
        return (step, warp, mask) -> {
            int lane = Integer.numberOfTrailingZeros(mask);
            warp.barrier = (int) warp.registers[id][lane] & Barriers.COUNT - 1;
            warp.barrierCount = (int) warp.registers[count][lane];
            warp.reduction = reduction;
        };
    }

    private Step.Action reduction(Decoding d) {
        String kind = d.require("popc", "and", "or");
        d.ignore("u32", "pred");
        int out = kind.equals("popc") ? d.target(0) : d.predicate(d.operand(0));
        int last = d.operandCount() - 1;
        Decoding.Lanes condition = d.lanes(d.operand(last));
        Step.Action wait = wait(d, 1, last > 2, BarrierReduction.NONE);
        return (step, warp, mask) -> {
            wait.run(step, warp, mask);
            warp.reduction = new BarrierReduction(kind, out, mask, condition.in(warp) & mask);
        };
    }

    /** Counts at the barrier without waiting; hardware counts whole warps. */
    private static Step.Action arrival(Decoding d) {
        int id = d.value(0, ScalarType.U32);
        d.value(1, ScalarType.U32);
        return (step, warp, mask) -> {
            int lane = Integer.numberOfTrailingZeros(mask);
            int barrier = (int) warp.registers[id][lane] & Barriers.COUNT - 1;
            warp.context.arrivals()[barrier] += Warp.LANES;
        };
    }

    private Step plain(Decoding d, Instruction instruction) {
        InstructionClass group = InstructionClass.INTEGER;
        Step.Action action;
        switch (d.root()) {
            case "add", "sub", "mul", "mad", "fma", "min", "max", "neg", "abs", "copysign" -> {
                ScalarType type = d.takeType();
                group = groupOf(type);
                action =
                        type.isFloat()
                                ? FloatDecoder.arithmetic(d, type)
                                : d.has("cc")
                                        ? CarryDecoder.decode(d, type)
                                        : IntegerDecoder.arithmetic(d, type);
            }
            case "addc", "subc", "madc" -> action = CarryDecoder.decode(d, d.takeType());
            case "dp4a", "dp2a" -> action = ProductDecoder.dot(d);
            case "szext", "bmsk", "fns" -> action = ProductDecoder.mask(d, d.takeType());
            case "isspacep" -> {
                group = InstructionClass.COMPARE;
                action = ConvertDecoder.isSpace(d);
            }
            case "nanosleep", "prefetch", "prefetchu", "discard", "applypriority", "pmevent" -> {
                group = InstructionClass.CONTROL;
                action = hint(d);
            }
            case "mul24", "mad24", "sad", "rem" ->
                    action = IntegerDecoder.arithmetic(d, d.takeType());
            case "div" -> {
                ScalarType type = d.takeType();
                group = groupOf(type);
                action =
                        type.isFloat()
                                ? FloatDecoder.divide(d, type)
                                : IntegerDecoder.arithmetic(d, type);
            }
            case "rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh" -> {
                group = InstructionClass.SPECIAL_FUNCTION;
                action = FloatDecoder.special(d, d.takeType());
            }
            case "and", "or", "xor", "not", "cnot" ->
                    action = IntegerDecoder.bitwise(d, d.takeType());
            case "shl", "shr" -> action = IntegerDecoder.shift(d, d.takeType());
            case "shf" -> action = IntegerDecoder.funnelShift(d, d.takeType());
            case "bfe", "bfi" -> action = IntegerDecoder.field(d, d.takeType());
            case "popc", "clz", "brev", "bfind" -> action = IntegerDecoder.count(d, d.takeType());
            case "prmt" -> action = IntegerDecoder.permute(d, d.takeType());
            case "lop3" -> action = IntegerDecoder.logic3(d, d.takeType());
            case "setp" -> {
                group = InstructionClass.COMPARE;
                action = CompareDecoder.setPredicate(d, d.takeType());
            }
            case "set" -> {
                group = InstructionClass.COMPARE;
                action = CompareDecoder.set(d, d.takeType());
            }
            case "testp" -> {
                group = InstructionClass.COMPARE;
                action = FloatDecoder.test(d, d.takeType());
            }
            case "selp" -> {
                group = InstructionClass.MOVE;
                action = ConvertDecoder.select(d, d.takeType());
            }
            case "slct" -> {
                group = InstructionClass.MOVE;
                action = ConvertDecoder.selectBySign(d, d.takeType());
            }
            case "mov" -> {
                group = InstructionClass.MOVE;
                action = ConvertDecoder.move(d, d.takeType());
            }
            case "cvt" -> {
                group = InstructionClass.CONVERT;
                action = ConvertDecoder.convert(d);
            }
            case "cvta" -> {
                group = InstructionClass.CONVERT;
                d.takeType();
                action = ConvertDecoder.convertAddress(d);
            }
            case "ld", "ldu" -> {
                group = InstructionClass.LOAD;
                action = MemoryDecoder.load(d, d.takeType());
            }
            case "st" -> {
                group = InstructionClass.STORE;
                action = MemoryDecoder.store(d, d.takeType());
            }
            case "atom", "red" -> {
                group = InstructionClass.ATOMIC;
                action = MemoryDecoder.atomic(d, d.takeType());
            }
            case "cp" -> {
                group = InstructionClass.ASYNC_COPY;
                action = MemoryDecoder.asyncCopy(d);
            }
            case "activemask" -> {
                group = InstructionClass.WARP;
                d.takeType();
                action = WarpDecoder.activeMask(d);
            }
            case "membar", "fence" -> {
                group = InstructionClass.BARRIER;
                d.ignore("cta", "gl", "gpu", "sys", "sc", "acq_rel");
                action = (step, warp, mask) -> {};
            }
            case "trap" -> {
                group = InstructionClass.CONTROL;
                action =
                        (step, warp, mask) -> {
                            int lane = Integer.numberOfTrailingZeros(mask);
                            throw warp.context
                                    .sanitiser()
                                    .fatal(Finding.Kind.TRAP, step, warp, lane, "trap");
                        };
            }
            default -> throw d.error("is not a known instruction");
        }
        return flow(instruction, Step.Flow.PLAIN, group, action, 0);
    }

    /** An instruction without an effect that can be observed here. */
    private static Step.Action hint(Decoding d) {
        d.ignore("u32", "global", "local", "L1", "L2");
        return (step, warp, mask) -> {};
    }

    private static InstructionClass groupOf(ScalarType type) {
        return switch (type) {
            case F32 -> InstructionClass.FLOAT;
            case F64 -> InstructionClass.DOUBLE;
            case F16, F16X2, BF16, BF16X2 -> InstructionClass.HALF;
            default -> InstructionClass.INTEGER;
        };
    }

    private Step warp(
            Decoding d,
            Instruction instruction,
            InstructionClass group,
            Step.Action action,
            int members) {
        d.ignore("b32");
        return flow(instruction, Step.Flow.WARP, group, action, members);
    }

    private Step flow(
            Instruction instruction,
            Step.Flow flow,
            InstructionClass group,
            Step.Action action,
            int detail,
            int... targets) {
        Step.Guard guard =
                instruction
                        .guard()
                        .map(g -> new Step.Guard(g.register().index(), g.negated()))
                        .orElse(Step.Guard.NONE);
        return new Step(decoded, instruction.line(), group, flow, guard, action, detail, targets);
    }
}
