package dev.instaflow.ptx;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads PTX text, as nvcc and clang write it or by hand, into a {@link PtxProgram}.
 * <p>Follows NVIDIA's "Parallel Thread Execution ISA". Checked here: syntax, declared registers,
 * defined labels. What an opcode means, and whether it is known, is checked when the program is
 * loaded to be run.
 */
public final class PtxParser {
    private final Tokens tokens;
    private final String source;
    private final List<Variable> variables = new ArrayList<>();
    private final List<PtxFunction> functions = new ArrayList<>();
    private String version = "";
    private String target = "";

    private PtxParser(String source, String text) {
        this.source = source;
        this.tokens = new Tokens(source, text);
    }

    /**
     * @param source name of the text in messages, usually the file name
     * @param text the whole module, {@code .version} and {@code .target} first
     * @throws PtxException naming the line that cannot be read
     */
    public static PtxProgram parse(String source, String text) {
        return new PtxParser(source, text).module();
    }

    private PtxProgram module() {
        while (!tokens.atEnd()) {
            int line = tokens.line();
            String word = tokens.take();
            if (version.isEmpty() && !word.equals(".version")) {
                throw tokens.error(line, "expected .version first, found '" + word + "'");
            }
            statement(word, line);
        }
        if (target.isEmpty()) {
            throw tokens.error("the module has no .version and .target");
        }
        return new PtxProgram(source, version, target, variables, functions);
    }

    private void statement(String word, int line) {
        switch (word) {
            case ".version" -> version = tokens.take();
            case ".target" -> {
                target = tokens.take();
                while (tokens.takeIf(",")) {
                    tokens.take();
                }
            }
            case ".address_size" -> {
                if (tokens.takeInt() != 64) {
                    throw tokens.error(line, "only .address_size 64 is known");
                }
            }
            case ".visible", ".extern", ".weak", ".common", ";" -> {}
            case ".file", ".loc" -> tokens.skipLine(line);
            case ".section" -> tokens.skipPast("}");
            case ".global", ".const", ".shared" -> {
                StateSpace space = StateSpace.named(word.substring(1)).orElseThrow();
                variables.add(VariableParser.variable(tokens, space));
                tokens.expect(";");
            }
            case ".entry" -> function(PtxFunction.Kind.ENTRY, line);
            case ".func" -> function(PtxFunction.Kind.FUNC, line);
            default -> throw tokens.error(line, "unknown directive '" + word + "'");
        }
    }

    private void function(PtxFunction.Kind kind, int line) {
        new FunctionParser(tokens, kind, line).parse().ifPresent(functions::add);
    }
}
