package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxException;
import dev.instaflow.ptx.PtxFunction;
import dev.instaflow.ptx.PtxProgram;
import dev.instaflow.ptx.StateSpace;
import dev.instaflow.ptx.Variable;
import dev.instaflow.ptx.run.EmulatedMemory.Allocation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A program whose variables lie in a device's memory and whose kernels can be launched. Thread-safe. */
public final class EmulatedModule {
    private final EmulatedMemory memory;
    private final Approximation approximation;
    private final Map<String, EmulatedKernel> kernels = new LinkedHashMap<>();
    private final Map<String, Allocation> globals = new LinkedHashMap<>();

    private EmulatedModule(EmulatedMemory memory, Approximation approximation) {
        this.memory = memory;
        this.approximation = approximation;
    }

    /**
     * Decodes every kernel and reserves the module's variables.
     *
     * @throws PtxException for an instruction that is not known, with its line
     */
    public static EmulatedModule load(PtxProgram program, EmulatedMemory memory) {
        return load(program, memory, Approximation.NEAREST);
    }

    /** As {@link #load(PtxProgram, EmulatedMemory)}, with approximate instructions as told. */
    public static EmulatedModule load(
            PtxProgram program, EmulatedMemory memory, Approximation approximation) {
        EmulatedModule module = new EmulatedModule(memory, approximation);
        Layout shared = new Layout();
        Symbols symbols = new Symbols();
        module.define(program.variables(), symbols, shared, new Layout());
        for (PtxFunction function : program.functions()) {
            if (function.kind() == PtxFunction.Kind.ENTRY) {
                module.kernels.put(
                        function.name(),
                        module.decode(
                                program,
                                CallExpander.expand(program, function),
                                symbols.inner(),
                                shared.copy()));
            }
        }
        return module;
    }

    private EmulatedKernel decode(
            PtxProgram program, PtxFunction function, Symbols symbols, Layout shared) {
        Layout local = new Layout();
        define(function.variables(), symbols, shared, local);
        for (Variable variable : program.variables()) {
            if (isDynamic(variable)) {
                // What the launch adds begins behind all that the kernel declares itself.
                symbols.define(variable.name(), shared.place(variable));
            }
        }
        for (Parameter parameter : function.parameters()) {
            symbols.defineParameter(parameter.name(), parameter.offsetBytes());
        }
        RegisterPlan plan = new RegisterPlan(function.registerCount());
        InstructionDecoder decoder =
                new InstructionDecoder(program.source(), function, plan, symbols, approximation);
        List<Step> steps = new ArrayList<>();
        for (Instruction instruction : function.instructions()) {
            steps.add(decoder.decode(instruction));
        }
        // Running off the end returns, without a line of its own.
        steps.add(
                new Step(
                        steps.size(),
                        0,
                        InstructionClass.CONTROL,
                        Step.Flow.EXIT,
                        Step.Guard.NONE,
                        (step, warp, mask) -> {},
                        0));
        KernelCode code =
                new KernelCode(
                        function,
                        steps,
                        plan,
                        symbols,
                        new KernelCode.Memory(local.end(), shared.end()));
        return new EmulatedKernel(function, code, memory);
    }

    private void define(List<Variable> variables, Symbols symbols, Layout shared, Layout local) {
        for (Variable variable : variables) {
            if (isDynamic(variable)) {
                continue;
            }
            long address =
                    switch (variable.space()) {
                        case SHARED -> shared.place(variable);
                        case LOCAL, PARAM -> local.place(variable);
                        default -> global(variable).base;
                    };
            symbols.define(variable.name(), address);
        }
    }

    private static boolean isDynamic(Variable variable) {
        return variable.space() == StateSpace.SHARED && variable.sizeBytes() == 0;
    }

    private Allocation global(Variable variable) {
        boolean constant = variable.space() == StateSpace.CONST;
        Allocation allocation = memory.add(Math.max(1, variable.sizeBytes()), constant);
        // Module variables without an initialiser are zero.
        byte[] bytes = variable.initialBytes().toArray();
        memory.fill(allocation.base, allocation.size, (byte) 0);
        memory.write(allocation.base, bytes);
        globals.put(variable.name(), allocation);
        return allocation;
    }

    /** Names of all kernels, in the order of the text. */
    public Set<String> kernelNames() {
        return Collections.unmodifiableSet(kernels.keySet());
    }

    /** The kernel of that name, if there is one. */
    public Optional<EmulatedKernel> kernel(String name) {
        return Optional.ofNullable(kernels.get(name));
    }

    /** Where a .global or .const variable of that name lies, if there is one. */
    public Optional<GlobalVariable> global(String name) {
        return Optional.ofNullable(globals.get(name)).map(a -> new GlobalVariable(a.base, a.size));
    }

    /** A variable of the module in device memory. */
    public record GlobalVariable(long address, long sizeBytes) {}

    /** Frees the module's variables; its kernels must not be launched any more. */
    public void unload() {
        globals.values().forEach(a -> memory.free(a.base));
    }

    /** Places variables behind each other. */
    private static final class Layout {
        private int end;

        int place(Variable variable) {
            int align = variable.alignBytes();
            int start = (end + align - 1) / align * align;
            end = Math.addExact(start, variable.sizeBytes());
            return start;
        }

        int end() {
            return end;
        }

        Layout copy() {
            Layout copy = new Layout();
            copy.end = end;
            return copy;
        }
    }
}
