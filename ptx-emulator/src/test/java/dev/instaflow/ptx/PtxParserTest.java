package dev.instaflow.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PtxParserTest {
    private static final String HEAD = ".version 7.0\n.target sm_80\n.address_size 64\n";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "k_basic.ptx | vadd groupnorm_silu sgemm64",
                "k_mma.ptx | hgemm_mma softmax_row",
                "k_half.ptx | h2silu h2fma bf2fma f2bf f2h hmaxatom"
            })
    void entriesOfCompiledModulesAreFound(String file, String names) throws IOException {
        PtxProgram program = PtxParser.parse(file, PtxTexts.read(file));
        assertEquals("sm_80", program.target());
        assertEquals(
                List.of(names.split(" ")),
                program.functions().stream()
                        .map(PtxFunction::name)
                        .sorted(new InOrder(names))
                        .collect(Collectors.toList()));
    }

    @Test
    void everyInstructionOfACompiledModuleIsReadWithItsLine() throws IOException {
        String text = PtxTexts.read("k_mma.ptx");
        PtxProgram program = PtxParser.parse("k_mma.ptx", text);
        List<String> lines = text.lines().toList();
        int count = 0;
        for (PtxFunction function : program.functions()) {
            for (Instruction i : function.instructions()) {
                assertTrue(
                        lines.get(i.line() - 1).contains(i.opcode()),
                        i.opcode() + " is not in line " + i.line());
                count++;
            }
        }
        long statements =
                lines.stream()
                        .map(String::strip)
                        .filter(l -> l.matches("(@!?%p\\d+\\s+)?[a-z][\\w.]*(\\s.*)?;"))
                        .count();
        assertEquals(statements, count);
    }

    @Test
    void parametersAreLaidOutAtTheirAlignment() {
        PtxFunction f =
                entry(
                        ".entry k(.param .u64 a, .param .u32 b, .param .u8 c, .param .f32 d,"
                                + " .param .align 16 .b8 e[20]) { ret; }");
        assertEquals(
                List.of(0, 8, 12, 16, 32),
                f.parameters().stream().map(Parameter::offsetBytes).toList());
        assertEquals(52, f.parameterBytes());
    }

    @Test
    void innerScopesHideOuterRegisters() {
        PtxFunction f =
                entry(
                        ".entry k() { .reg .b32 r; mov.b32 r, 1; {.reg.b16 r; mov.b16 r, 2;} mov.b32 r, 3; }");
        List<Register> written =
                f.instructions().stream()
                        .map(i -> ((Operand.Reg) i.operands().get(0)).register())
                        .toList();
        assertEquals(written.get(0), written.get(2));
        assertEquals(ScalarType.B16, written.get(1).type());
    }

    @Test
    void literalsOfEveryFormAreRead() {
        PtxFunction f =
                entry(
                        ".entry k() { .reg .f32 %f; .reg .f64 %d; .reg .b32 %r; mov.f32 %f, 0f3F800000; mov.f32 %f, -2.5;"
                                + " mov.f64 %d, 0dBFF0000000000000; mov.b32 %r, 0X1FU; mov.b32 %r, -7; }");
        List<Long> bits =
                f.instructions().stream()
                        .map(
                                i ->
                                        ((Operand.Immediate) i.operands().get(1))
                                                .bitsAs(
                                                        ((Operand.Reg) i.operands().get(0))
                                                                .register()
                                                                .type()))
                        .toList();
        assertEquals(
                List.of(
                        0x3F800000L,
                        Float.floatToRawIntBits(-2.5f) & 0xffffffffL,
                        Double.doubleToRawLongBits(-1),
                        31L,
                        -7L),
                bits);
    }

    @Test
    void variablesKeepSpaceAlignmentAndContents() {
        PtxProgram program =
                PtxParser.parse(
                        "t",
                        HEAD
                                + ".const .align 4 .b32 c[2] = {1, -1};\n.global .f32 g = 0f40000000;\n"
                                + ".extern .shared .align 16 .b8 dyn[];\n.entry k() { .local .align 8 .b8 d[24]; ret; }");
        Variable c = program.variables().get(0);
        assertEquals(8, c.sizeBytes());
        assertEquals(-1, c.initialBytes().toArray()[7]);
        assertEquals(0x40, program.variables().get(1).initialBytes().toArray()[3]);
        assertEquals(0, program.variables().get(2).sizeBytes());
        assertEquals(24, program.functions().get(0).variables().get(0).sizeBytes());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                ".entry k() { mov.b32 %r1, 1; } | t:4: register %r1 is not declared",
                ".entry k() { bra NOWHERE; } | t:4: branch to an undefined label",
                ".entry k() { ret | t:4: the text ends within a statement",
                ".entry k() { .reg .b33 %r; } | t:4: expected a type, found '.b33'",
                ".surface x; | t:4: unknown directive '.surface'",
                ".entry k() { ` } | t:4: cannot read '`'"
            })
    void errorsNameTheLine(String body, String message) {
        PtxException e = assertThrows(PtxException.class, () -> PtxParser.parse("t", HEAD + body));
        assertEquals(message, e.getMessage());
        assertEquals(4, e.line());
    }

    @Test
    void textWithoutVersionIsRefused() {
        assertThrows(PtxException.class, () -> PtxParser.parse("t", "// nothing\n"));
        assertThrows(PtxException.class, () -> PtxParser.parse("t", ".entry k() { ret; }"));
    }

    private static PtxFunction entry(String text) {
        return PtxParser.parse("t", HEAD + text).entry("k").orElseThrow();
    }

    /** Compilers emit functions in an order of their own. */
    private record InOrder(String names) implements java.util.Comparator<String> {
        @Override
        public int compare(String a, String b) {
            return Integer.compare(names.indexOf(a), names.indexOf(b));
        }
    }
}
