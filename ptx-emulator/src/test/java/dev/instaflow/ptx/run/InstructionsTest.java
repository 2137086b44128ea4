package dev.instaflow.ptx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ptx.PtxException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Single instructions against results worked out by hand from the PTX ISA. */
class InstructionsTest {
    /** Inputs %r1 and %r2, result %r3, all as 32-bit hexadecimal. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "add.s32 %r3, %r1, %r2; ~ 7fffffff ~ 1 ~ 80000000",
                "add.sat.s32 %r3, %r1, %r2; ~ 7fffffff ~ 1 ~ 7fffffff",
                "sub.u32 %r3, %r1, %r2; ~ 1 ~ 2 ~ ffffffff",
                "mul.hi.s32 %r3, %r1, %r2; ~ ffffffff ~ 5 ~ ffffffff",
                "mul.hi.u32 %r3, %r1, %r2; ~ ffffffff ~ 5 ~ 4",
                "mul.lo.s32 %r3, %r1, %r2; ~ 10001 ~ 10001 ~ 20001",
                "mad.lo.s32 %r3, %r1, %r2, %r1; ~ 3 ~ 5 ~ 12",
                "mul.wide.s16 %r3, %r1, %r2; ~ ffff ~ 2 ~ fffffffe",
                "mul.wide.u16 %r3, %r1, %r2; ~ ffff ~ 2 ~ 1fffe",
                "div.s32 %r3, %r1, %r2; ~ fffffff9 ~ 2 ~ fffffffd",
                "rem.s32 %r3, %r1, %r2; ~ fffffff9 ~ 2 ~ ffffffff",
                "div.u32 %r3, %r1, %r2; ~ fffffff9 ~ 2 ~ 7ffffffc",
                "min.s32 %r3, %r1, %r2; ~ ffffffff ~ 1 ~ ffffffff",
                "min.u32 %r3, %r1, %r2; ~ ffffffff ~ 1 ~ 1",
                "max.s32 %r3, %r1, %r2; ~ ffffffff ~ 1 ~ 1",
                "neg.s32 %r3, %r1; ~ 1 ~ 0 ~ ffffffff",
                "abs.s32 %r3, %r1; ~ fffffffe ~ 0 ~ 2",
                "shl.b32 %r3, %r1, %r2; ~ 1 ~ 20 ~ 0",
                "shr.u32 %r3, %r1, %r2; ~ 80000000 ~ 1f ~ 1",
                "shr.s32 %r3, %r1, %r2; ~ 80000000 ~ 40 ~ ffffffff",
                "shf.l.wrap.b32 %r3, %r1, %r2, 8; ~ 11223344 ~ 55667788 ~ 66778811",
                "shf.r.wrap.b32 %r3, %r1, %r2, 8; ~ 11223344 ~ 55667788 ~ 88112233",
                "shf.r.clamp.b32 %r3, %r1, %r2, 40; ~ 11223344 ~ 55667788 ~ 55667788",
                "bfe.u32 %r3, %r1, 4, 8; ~ abcdef12 ~ 0 ~ f1",
                "bfe.s32 %r3, %r1, 4, 8; ~ abcdef12 ~ 0 ~ fffffff1",
                "bfi.b32 %r3, %r1, %r2, 8, 4; ~ 5 ~ ffffffff ~ fffff5ff",
                "prmt.b32 %r3, %r1, %r2, 0x7531; ~ 33221100 ~ 77665544 ~ 77553311",
                "prmt.b32 %r3, %r1, %r2, 0x888b; ~ 80000001 ~ 0 ~ ff",
                "lop3.b32 %r3, %r1, %r2, 0xf0f0f0f0, 0x96; ~ ff00ff00 ~ cccccccc ~ c33cc33c",
                "popc.b32 %r3, %r1; ~ f0f00001 ~ 0 ~ 9",
                "clz.b32 %r3, %r1; ~ 10000 ~ 0 ~ f",
                "brev.b32 %r3, %r1; ~ 1 ~ 0 ~ 80000000",
                "bfind.u32 %r3, %r1; ~ 10000 ~ 0 ~ 10",
                "and.b32 %r3, %r1, %r2; ~ ff ~ f0f ~ f",
                "not.b32 %r3, %r1; ~ ff ~ 0 ~ ffffff00",
                "setp.lt.s32 %p1, %r1, %r2; selp.b32 %r3, 1, 0, %p1; ~ ffffffff ~ 0 ~ 1",
                "setp.lt.u32 %p1, %r1, %r2; selp.b32 %r3, 1, 0, %p1; ~ ffffffff ~ 0 ~ 0",
                "setp.eq.s32 %p1|%p2, %r1, %r2; selp.b32 %r3, 1, 0, %p2; ~ 1 ~ 2 ~ 1",
                "setp.eq.s32 %p1, %r1, %r1; setp.ne.and.s32 %p2, %r1, %r2, !%p1; selp.b32 %r3, 1, 0, %p2; ~ 1 ~ 2 ~ 0",
                "setp.gtu.f32 %p1, %r1, %r2; selp.b32 %r3, 1, 0, %p1; ~ 7fc00000 ~ 0 ~ 1",
                "setp.gt.f32 %p1, %r1, %r2; selp.b32 %r3, 1, 0, %p1; ~ 7fc00000 ~ 0 ~ 0",
                "slct.b32.s32 %r3, 7, 9, %r1; ~ ffffffff ~ 0 ~ 9",
                "set.gt.u32.f32 %r3, %r1, %r2; ~ 3f800000 ~ 0 ~ ffffffff",
                "cvt.rn.f32.s32 %r3, %r1; ~ ffffffff ~ 0 ~ bf800000",
                "cvt.rn.f32.u32 %r3, %r1; ~ 1000001 ~ 0 ~ 4b800000",
                "cvt.rz.f32.u32 %r3, %r1; ~ ffffffff ~ 0 ~ 4f7fffff",
                "cvt.rp.f32.u32 %r3, %r1; ~ 1000001 ~ 0 ~ 4b800001",
                "cvt.rzi.s32.f32 %r3, %r1; ~ bff33333 ~ 0 ~ ffffffff",
                "cvt.rni.s32.f32 %r3, %r1; ~ 40200000 ~ 0 ~ 2",
                "cvt.rmi.s32.f32 %r3, %r1; ~ bfc00000 ~ 0 ~ fffffffe",
                "cvt.rpi.s32.f32 %r3, %r1; ~ 3fa00000 ~ 0 ~ 2",
                "cvt.rzi.u32.f32 %r3, %r1; ~ 4f800000 ~ 0 ~ ffffffff",
                "cvt.rzi.s32.f32 %r3, %r1; ~ 7fc00000 ~ 0 ~ 0",
                "cvt.rmi.f32.f32 %r3, %r1; ~ 40200000 ~ 0 ~ 40000000",
                "cvt.sat.u8.s32 %r3, %r1; ~ 12c ~ 0 ~ ff",
                "cvt.s32.s8 %r3, %r1; ~ 80 ~ 0 ~ ffffff80",
                "cvt.rn.bf16x2.f32 %r3, %r1, %r2; ~ 3f800000 ~ 40000000 ~ 3f804000",
                "cvt.rn.f16x2.f32 %r3, %r1, %r2; ~ 3f800000 ~ c0000000 ~ 3c00c000",
                "cvt.rna.tf32.f32 %r3, %r1; ~ 3f801000 ~ 0 ~ 3f802000",
                "add.rn.f32 %r3, %r1, %r2; ~ 3f800000 ~ 33800000 ~ 3f800000",
                "add.rp.f32 %r3, %r1, %r2; ~ 3f800000 ~ 33800000 ~ 3f800001",
                "add.ftz.f32 %r3, %r1, %r2; ~ 1 ~ 0 ~ 0",
                "mul.sat.f32 %r3, %r1, %r2; ~ 40000000 ~ 40000000 ~ 3f800000",
                "max.f32 %r3, %r1, %r2; ~ 7fc00000 ~ 3f800000 ~ 3f800000",
                "max.NaN.f32 %r3, %r1, %r2; ~ 7fc00000 ~ 3f800000 ~ 7fffffff",
                "min.f32 %r3, %r1, %r2; ~ 0 ~ 80000000 ~ 80000000",
                "add.f16x2 %r3, %r1, %r2; ~ 3c003c00 ~ 3c00c000 ~ 4000bc00",
                "fma.rn.bf16x2 %r3, %r1, %r2, %r1; ~ 3f803f80 ~ 40003f80 ~ 40404000",
                "neg.f16x2 %r3, %r1; ~ 3c00bc00 ~ 0 ~ bc003c00",
                "rcp.approx.ftz.f32 %r3, %r1; ~ 40000000 ~ 0 ~ 3f000000",
                "ex2.approx.f32 %r3, %r1; ~ 40400000 ~ 0 ~ 41000000",
                "lg2.approx.f32 %r3, %r1; ~ 41000000 ~ 0 ~ 40400000",
                "sqrt.rn.f32 %r3, %r1; ~ 40000000 ~ 0 ~ 3fb504f3",
                "rsqrt.approx.f32 %r3, %r1; ~ 40800000 ~ 0 ~ 3f000000",
                "sin.approx.f32 %r3, %r1; ~ 0 ~ 0 ~ 0",
                "cos.approx.f32 %r3, %r1; ~ 0 ~ 0 ~ 3f800000",
                "div.rn.f32 %r3, %r1, %r2; ~ 3f800000 ~ 40400000 ~ 3eaaaaab",
                "{ .reg .b16 x, y; mov.b32 {x, y}, %r1; mov.b32 %r3, {y, x}; } ~ 11223344 ~ 0 ~ 33441122",
                "mul.wide.u32 %d1, %r1, %r2; shr.u64 %d1, %d1, 32; cvt.u32.u64 %r3, %d1; ~ ffffffff ~ ffffffff ~ fffffffe",
                "cvt.s64.s32 %d1, %r1; neg.s64 %d1, %d1; cvt.u32.u64 %r3, %d1; ~ fffffff0 ~ 0 ~ 10",
                "cvt.f64.f32 %g1, %r1; fma.rn.f64 %g1, %g1, %g1, 0d3FF0000000000000; cvt.rn.f32.f64 %r3, %g1; ~ 40000000 ~ 0 ~ 40a00000",
                "redux.sync.add.s32 %r3, %r1, 0xffffffff; ~ 2 ~ 0 ~ 40",
                "match.any.sync.b32 %r3, %r1, 0xffffffff; ~ 2 ~ 0 ~ ffffffff",
                "activemask.b32 %r3; ~ 0 ~ 0 ~ ffffffff"
            })
    void resultIsThatOfTheIsa(String text, String a, String b, String expected) {
        Bench bench =
                Bench.ofBody(
                        "",
                        "ld.global.u32 %r1, [%a]; ld.global.u32 %r2, [%a+4]; "
                                + text
                                + " setp.eq.u32 %p7, %t, 0; @%p7 st.global.u32 [%b], %r3; ret;");
        long in = bench.upload(Integer.parseUnsignedInt(a, 16), Integer.parseUnsignedInt(b, 16));
        long out = bench.memory.allocate(4);
        run(bench, 32, in, out);
        String actual = Integer.toHexString(bench.ints(out, 1)[0]);
        assertEquals(expected, actual);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "frob.b32 %r1, %r2; | 'frob.b32' is not a known instruction",
                "vadd2.u32.u32.u32 %r1, %r2, %r3, %r3; | 'vadd2.u32.u32.u32' is not a known instruction",
                "add.foo.s32 %r1, %r2, %r3; | 'add.foo.s32' unknown modifier .foo",
                "call.uni missing, (); | 'call.uni' calls missing, which has no body here",
                "mov.b32 %r1, nowhere; | 'mov.b32' names 'nowhere', which is not declared",
                "mma.sync.aligned.m16n8k16.row.col.f16.bf16.bf16.f16 {%r1,%r2}, {%r1,%r2,%r3,%r4}, {%r1,%r2}, {%r1,%r2};"
                        + " | 'mma.sync.aligned.m16n8k16.row.col.f16.bf16.bf16.f16' is not a known combination of shape and types",
                "ld.global.v2.f32 %f1, [%a]; | 'ld.global.v2.f32' has 1 elements, expected .v2"
            })
    void whatIsNotKnownIsRefusedWithItsLine(String text, String message) {
        PtxException e = assertThrows(PtxException.class, () -> Bench.ofBody("", text + " ret;"));
        assertEquals("body:5: " + message, e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "bfly, 1, 31",
        "up, 2, 0",
        "down, 3, 31",
        "idx, 5, 31",
        "bfly, 4, 6175",
        "down, 3, 7199"
    })
    void shuffleMovesAsTheIsaSays(String mode, int by, int clamp) {
        Bench bench =
                Bench.ofBody(
                        "",
                        "shfl.sync."
                                + mode
                                + ".b32 %r3|%p1, %t, "
                                + by
                                + ", "
                                + clamp
                                + ", 0xffffffff; shl.b32 %r4, %t, 2; cvt.u64.u32 %d1, %r4; add.s64 %d1, %d1, %b; st.global.u32 [%d1], %r3; ret;");
        long out = bench.memory.allocate(128);
        run(bench, 32, out, out);
        int width = 32 - (clamp >> 8 & 31);
        int[] expected = new int[32];
        for (int i = 0; i < 32; i++) {
            int start = i / width * width;
            int from =
                    switch (mode) {
                        case "bfly" -> i ^ by;
                        case "up" -> i - by;
                        case "down" -> i + by;
                        default -> start + by;
                    };
            expected[i] = from < start || from >= start + width ? i : from;
        }
        assertArrayEquals(expected, bench.ints(out, 32));
    }

    @Test
    void votesSeeTheLanesThatTakePart() {
        Bench bench =
                Bench.ofBody(
                        "",
                        "setp.lt.u32 %p1, %t, 5; vote.sync.ballot.b32 %r1, %p1, 0xffffffff; vote.sync.any.pred %p2, %p1, 0xffffffff;"
                                + " vote.sync.all.pred %p3, %p1, 0xffffffff; selp.b32 %r2, 1, 0, %p2; selp.b32 %r3, 1, 0, %p3;"
                                + " setp.eq.u32 %p4, %t, 0; @%p4 st.global.v2.u32 [%b], {%r1, %r2}; @%p4 st.global.u32 [%b+8], %r3; ret;");
        long out = bench.memory.allocate(12);
        run(bench, 32, out, out);
        assertArrayEquals(new int[] {31, 1, 0}, bench.ints(out, 3));
    }

    @Test
    void divergentLanesMeetAgainAfterTheBranch() {
        Bench bench =
                Bench.ofBody(
                        "",
                        "setp.lt.u32 %p1, %t, 7; @%p1 bra LOW; add.u32 %r1, %t, 100; bra MEET; LOW: add.u32 %r1, %t, 200;\n"
                                + "MEET: activemask.b32 %r2; shl.b32 %r4, %t, 2; cvt.u64.u32 %d1, %r4; add.s64 %d1, %d1, %b; st.global.u32 [%d1], %r1;"
                                + " setp.eq.u32 %p2, %t, 0; @%p2 st.global.u32 [%b+128], %r2; ret;");
        long out = bench.memory.allocate(132);
        run(bench, 32, out, out);
        int[] result = bench.ints(out, 33);
        assertEquals(206, result[6]);
        assertEquals(107, result[7]);
        assertEquals(-1, result[32]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "m16n8k8 f16",
                "m16n8k16 f16",
                "m16n8k8 bf16",
                "m16n8k16 bf16",
                "m16n8k4 tf32",
                "m16n8k8 tf32"
            })
    void mmaMultipliesMatricesLaidOutAsTheIsaSays(String combination) {
        String shape = combination.split(" ")[0];
        String type = combination.split(" ")[1];
        int k = Integer.parseInt(shape.substring(6));
        boolean wide = type.equals("tf32");
        // Lane l holds A[l/4 + 8*(r%2)][(l%4)*p + e + step*(r/2)] in element e of register r, and B
        // likewise.
        int perRegister = wide ? 1 : 2;
        int step = wide ? 4 : 8;
        int aCount = 2 * k / step;
        int bCount = k / step;
        int[] fragments = new int[32 * 8];
        int[][] a = new int[16][k];
        int[][] b = new int[k][8];
        for (int i = 0; i < 16 * k; i++) {
            a[i / k][i % k] = i * 7 % 11 - 5;
        }
        for (int i = 0; i < k * 8; i++) {
            b[i / 8][i % 8] = i * 5 % 13 - 6;
        }
        for (int lane = 0; lane < 32; lane++) {
            for (int r = 0; r < aCount; r++) {
                for (int e = 0; e < perRegister; e++) {
                    int v = a[lane / 4 + 8 * (r % 2)][lane % 4 * perRegister + e + step * (r / 2)];
                    fragments[lane * 8 + r] |= bits(type, v) << 16 * e;
                }
            }
            for (int r = 0; r < bCount; r++) {
                for (int e = 0; e < perRegister; e++) {
                    int v = b[lane % 4 * perRegister + e + step * r][lane / 4];
                    fragments[lane * 8 + 4 + r] |= bits(type, v) << 16 * e;
                }
            }
        }
        String as = aCount == 4 ? "{%r1,%r2,%r3,%r4}" : "{%r1,%r2}";
        String bs = bCount == 2 ? "{%r5,%r6}" : "{%r5}";
        Bench bench =
                Bench.ofBody(
                        "",
                        "shl.b32 %r9, %t, 5; cvt.u64.u32 %d1, %r9; add.s64 %d2, %d1, %a; ld.global.v4.u32 {%r1,%r2,%r3,%r4}, [%d2];"
                                + " ld.global.v4.u32 {%r5,%r6,%r7,%r8}, [%d2+16]; mov.f32 %f1, 0f3F800000; mma.sync.aligned."
                                + shape
                                + ".row.col.f32."
                                + type
                                + "."
                                + type
                                + ".f32 {%f2,%f3,%f4,%f5}, "
                                + as
                                + ", "
                                + bs
                                + ", {%f1,%f1,%f1,%f1}; shl.b32 %r9, %t, 4; cvt.u64.u32 %d1, %r9; add.s64 %d2, %d1, %b; st.global.v4.f32 [%d2], {%f2,%f3,%f4,%f5}; ret;");
        long out = bench.memory.allocate(512);
        LaunchReport report = run(bench, 32, bench.upload(fragments), out);
        assertEquals(1, report.counts().mmaCount());
        float[] result = bench.floats(out, 128);
        for (int lane = 0; lane < 32; lane++) {
            for (int i = 0; i < 4; i++) {
                int row = lane / 4 + 8 * (i / 2);
                int column = 2 * (lane % 4) + i % 2;
                int sum = 1;
                for (int j = 0; j < k; j++) {
                    sum += a[row][j] * b[j][column];
                }
                assertEquals(sum, result[lane * 4 + i], "row " + row + " column " + column);
            }
        }
    }

    private static int bits(String type, int value) {
        return switch (type) {
            case "f16" -> HalfFormat.F16.encode(value, Rounding.NEAREST_EVEN);
            case "bf16" -> HalfFormat.BF16.encode(value, Rounding.NEAREST_EVEN);
            default -> Float.floatToRawIntBits(value);
        };
    }

    @ParameterizedTest
    @CsvSource({"4, 0", "8, 1", "128, 31"})
    void bankConflictsAreCounted(int stride, int replays) {
        Bench bench =
                Bench.ofBody(
                        ".shared .align 16 .b8 s[4096];",
                        "mul.lo.u32 %r1, %t, "
                                + stride
                                + "; mov.u32 %r2, s; add.u32 %r2, %r2, %r1; st.shared.u32 [%r2], %t; ret;");
        long out = bench.memory.allocate(4);
        LaunchReport report = run(bench, 32, out, out);
        assertEquals(1, report.traffic().sharedPhases());
        assertEquals(replays, report.traffic().sharedReplays());
    }

    @ParameterizedTest
    @CsvSource({"4, 4, 4", "8, 8, 4", "64, 32, 4"})
    void scatteredStoresAreCounted(int stride, int sectors, int ideal) {
        Bench bench =
                Bench.ofBody(
                        "",
                        "mul.lo.u32 %r1, %t, "
                                + stride
                                + "; cvt.u64.u32 %d1, %r1; add.s64 %d1, %d1, %b; st.global.u32 [%d1], %t; ret;");
        long out = bench.memory.allocate(64 * 32);
        LaunchReport report = run(bench, 32, out, out);
        assertEquals(sectors, report.traffic().storeSectors());
        assertEquals(ideal, report.traffic().idealStoreSectors());
        assertEquals(32L * sectors, report.traffic().distinctStoreBytes());
    }

    @Test
    void coverageNamesTheLinesThatNoLaunchExecuted() {
        Bench bench =
                Bench.ofBody(
                        "",
                        "setp.gt.u32 %p1, %t, 40;\n@%p1 bra HIGH;\nret;\nHIGH:\nmov.u32 %r1, 1;\nret;");
        long out = bench.memory.allocate(4);
        Coverage coverage = new Coverage();
        coverage.add(run(bench, 32, out, out));
        assertEquals(java.util.List.of(9, 10), coverage.missedLines());
        coverage.add(run(bench, 64, out, out));
        assertEquals(1.0, coverage.ratio());
    }

    @Test
    void namedBarriersLetPartOfABlockMeet() {
        Bench bench =
                Bench.ofBody(
                        ".shared .align 4 .b8 s[8];",
                        "setp.ge.u32 %p1, %t, 64; @%p1 bra END; setp.eq.u32 %p2, %t, 40; mov.u32 %r2, 9; @%p2 st.shared.u32 [s], %r2;\n"
                                + "bar.sync 1, 64; ld.shared.u32 %r3, [s]; setp.eq.u32 %p3, %t, 0; @%p3 st.global.u32 [%b], %r3; END: ret;");
        long out = bench.memory.allocate(4);
        run(bench, 96, out, out);
        assertEquals(9, bench.ints(out, 1)[0]);
    }

    @Test
    void launchesThatTheDriverWouldRefuseAreRefused() {
        Bench bench = Bench.ofBody("", "ret;");
        EmulatedKernel k = bench.kernel("k");
        KernelArguments none = k.arguments();
        assertThrows(
                IllegalArgumentException.class, () -> k.launch(Dim3.of(1), Dim3.of(32), 0, none));
        KernelArguments both = k.arguments().int64(0).int64(0);
        assertThrows(
                IllegalArgumentException.class, () -> k.launch(Dim3.of(1), Dim3.of(1025), 0, both));
        assertThrows(
                IllegalArgumentException.class,
                () -> k.launch(Dim3.of(1), Dim3.of(32), 300_000, both));
        assertThrows(IllegalArgumentException.class, () -> k.arguments().int32(1));
        assertTrue(k.launch(Dim3.of(1), Dim3.of(32), 0, both).completed());
    }

    @Test
    void dynamicSharedMemoryBeginsBehindTheDeclared() {
        Bench bench =
                Bench.ofText(
                        "dynamic",
                        ".version 7.0\n.target sm_80\n.address_size 64\n"
                                + ".extern .shared .align 16 .b8 dyn[];\n"
                                + ".entry k(.param .u64 p) { .shared .align 4 .b8 fixed[20];"
                                + " .reg .b32 %r<3>; .reg .b64 %a; ld.param.u64 %a, [p];"
                                + " mov.u32 %r1, fixed; mov.u32 %r2, dyn; st.shared.u32 [dyn], %r1;"
                                + " st.global.v2.u32 [%a], {%r1, %r2}; ret; }");
        long a = bench.memory.allocate(8);
        EmulatedKernel k = bench.kernel("k");
        k.launch(Dim3.of(1), Dim3.of(1), 4, k.arguments().int64(a)).requireClean();
        byte[] addresses = bench.memory.read(a, 8);
        assertEquals(32, addresses[4] - addresses[0]);
    }

    private static LaunchReport run(Bench bench, int threads, long a, long b) {
        EmulatedKernel k = bench.kernel("k");
        return k.launchBothWays(Dim3.of(1), Dim3.of(threads), 0, k.arguments().int64(a).int64(b))
                .requireClean();
    }
}
