package dev.instaflow.ptx;

import java.util.List;
import java.util.Map;

/**
 * A function with its body.
 *
 * @param name as declared
 * @param kind a kernel or a function that kernels call
 * @param line where it is declared
 * @param parameters in order; offsets follow the driver's rule (each at its own alignment)
 * @param registerCount registers have the indices 0 to this, exclusive
 * @param variables shared, local and param variables of the body
 * @param instructions in order; brx.idx has its labels as a vector
 * @param labels index into {@code instructions}, which may be its size
 * @param maxThreads threads a block may have by {@code .maxntid} or {@code .reqntid}, 1024 if not given
 */
public record PtxFunction(
        String name,
        Kind kind,
        int line,
        List<Parameter> parameters,
        int registerCount,
        List<Variable> variables,
        List<Instruction> instructions,
        Map<String, Integer> labels,
        int maxThreads) {

    /** What a function is declared with. */
    public enum Kind {
        ENTRY,
        FUNC
    }

    public PtxFunction {
        parameters = List.copyOf(parameters);
        variables = List.copyOf(variables);
        instructions = List.copyOf(instructions);
        labels = Map.copyOf(labels);
    }

    /** Bytes of the block that holds all parameters. */
    public int parameterBytes() {
        if (parameters.isEmpty()) {
            return 0;
        }
        Parameter last = parameters.get(parameters.size() - 1);
        return last.offsetBytes() + last.sizeBytes();
    }
}
