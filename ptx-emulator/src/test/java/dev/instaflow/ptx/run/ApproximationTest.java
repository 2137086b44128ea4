package dev.instaflow.ptx.run;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ptx.PtxParser;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Approximate instructions at their worst are within what the ISA allows, and not much better. */
class ApproximationTest {
    private static final int COUNT = 64;

    /** Of the final rounding to F32. */
    private static final double HALF_ULP = 0x1p-24;

    private static final Map<String, DoubleUnaryOperator> EXACT =
            Map.of(
                    "ex2.approx.f32", a -> Math.pow(2, a),
                    "ex2.approx.ftz.f32", a -> Math.pow(2, a),
                    "lg2.approx.f32", a -> Math.log(a) / Math.log(2),
                    "sin.approx.f32", Math::sin,
                    "cos.approx.f32", Math::cos,
                    "tanh.approx.f32", Math::tanh,
                    "rcp.approx.f32", a -> 1 / a,
                    "rsqrt.approx.f32", a -> 1 / Math.sqrt(a),
                    "sqrt.approx.f32", Math::sqrt);

    @ParameterizedTest
    @CsvSource({
        "ex2.approx.f32, -22, 0, 0.04",
        "ex2.approx.ftz.f32, -22, 0, 0.04",
        "lg2.approx.f32, -22, -22, 0.04",
        "sin.approx.f32, -40, -20.5, 0.04",
        "cos.approx.f32, -40, -20.5, 0.04",
        "sin.approx.f32, -40, -14.7, 4",
        "cos.approx.f32, -40, -14.7, 4",
        "tanh.approx.f32, -11, 0, 0.04",
        "rcp.approx.f32, -23, 0, 0.04",
        "rsqrt.approx.f32, -22.9, 0, 0.04",
        "sqrt.approx.f32, -23, 0, 0.04"
    })
    void resultsUseTheRoomThatTheIsaLeaves(
            String opcode, double relative, double absolute, float step) {
        EmulatedMemory memory = new EmulatedMemory();
        long in = memory.allocate(4 * COUNT);
        long out = memory.allocate(4 * COUNT);
        ByteBuffer x = ByteBuffer.allocate(4 * COUNT).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < COUNT; i++) {
            x.putFloat(4 * i, step * (i + 1));
        }
        memory.write(in, x.array());
        String text =
                ".version 7.0\n.target sm_80\n.address_size 64\n.entry k(.param .u64 a, .param .u64 b) {"
                        + " .reg .b32 %r<3>; .reg .b64 %d<4>; ld.param.u64 %d1, [a]; ld.param.u64 %d2, [b];"
                        + " mov.u32 %r1, %tid.x; mul.wide.u32 %d3, %r1, 4; add.s64 %d1, %d1, %d3;"
                        + " add.s64 %d2, %d2, %d3; ld.global.b32 %r1, [%d1]; "
                        + opcode
                        + " %r2, %r1; st.global.b32 [%d2], %r2; ret; }";
        EmulatedKernel k =
                EmulatedModule.load(
                                PtxParser.parse("approximate", text),
                                memory,
                                Approximation.WORST_ALLOWED)
                        .kernel("k")
                        .orElseThrow();
        k.launchBothWays(Dim3.of(1), Dim3.of(COUNT), 0, k.arguments().int64(in).int64(out))
                .requireClean();
        double worst = 0;
        boolean above = false;
        boolean below = false;
        for (int i = 0; i < COUNT; i++) {
            double exact = EXACT.get(opcode).applyAsDouble(x.getFloat(4 * i));
            double error = memory.view(out, 4 * COUNT).getFloat(4 * i) - exact;
            double allowed =
                    Math.max(
                            absolute == 0 ? 0 : Math.pow(2, absolute),
                            Math.abs(exact) * Math.pow(2, relative));
            // The constants behind the powers are rounded up by half a per cent.
            assertTrue(Math.abs(error) <= 1.005 * allowed + HALF_ULP * Math.abs(exact), opcode);
            worst = Math.max(worst, Math.abs(error) / allowed);
            above |= error > 0;
            below |= error < 0;
        }
        assertTrue(worst > 0.9 && above && below, opcode + " uses " + worst);
    }
}
