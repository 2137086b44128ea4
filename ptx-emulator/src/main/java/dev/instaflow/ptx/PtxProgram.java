package dev.instaflow.ptx;

import java.util.List;
import java.util.Optional;

/**
 * A PTX module.
 *
 * @param source name of the text in messages
 * @param version of the instruction set, such as {@code 7.0}
 * @param target such as {@code sm_80}
 * @param variables of the module: global, const and shared
 * @param functions with a body, in order
 */
public record PtxProgram(
        String source,
        String version,
        String target,
        List<Variable> variables,
        List<PtxFunction> functions) {

    public PtxProgram {
        variables = List.copyOf(variables);
        functions = List.copyOf(functions);
    }

    /** The kernel of that name, if there is one. */
    public Optional<PtxFunction> entry(String name) {
        return functions.stream()
                .filter(f -> f.kind() == PtxFunction.Kind.ENTRY && f.name().equals(name))
                .findFirst();
    }
}
