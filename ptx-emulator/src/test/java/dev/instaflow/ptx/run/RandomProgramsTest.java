package dev.instaflow.ptx.run;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random programs on random bits, NaN, infinities and subnormals among them: compiled code must leave
 * the same memory as the interpreter. {@link EmulatedKernel#launchBothWays} compares.
 */
class RandomProgramsTest {
    private static final int THREADS = 128;
    private static final int PROGRAMS = 40;

    /** r, f, d, h, g and p are registers of 32 bits, F32, 64 bits, 16 bits, F64 and predicates; i, j are numbers. */
    private static final List<String> STATEMENTS =
            List.of(
                    "add.s32 r, r, r",
                    "add.u32 r, r, i",
                    "sub.s32 r, r, r",
                    "sub.u32 r, i, r",
                    "mul.lo.s32 r, r, r",
                    "mul.hi.u32 r, r, r",
                    "mul.hi.s32 r, r, r",
                    "mul.wide.s32 d, r, r",
                    "mul.wide.u32 d, r, i",
                    "mul.wide.u16 r, h, h",
                    "mad.lo.s32 r, r, r, r",
                    "mad.wide.u32 d, r, r, d",
                    "mad.wide.s32 d, r, i, d",
                    "add.sat.s32 r, r, r",
                    "div.s32 r, r, r",
                    "rem.u32 r, r, r",
                    "div.u64 d, d, d",
                    "min.s32 r, r, r",
                    "max.s32 r, r, i",
                    "min.u32 r, r, r",
                    "max.u64 d, d, d",
                    "neg.s32 r, r",
                    "abs.s32 r, r",
                    "neg.s64 d, d",
                    "sad.u32 r, r, r, r",
                    "add.s64 d, d, d",
                    "sub.s64 d, d, i",
                    "mul.lo.s64 d, d, d",
                    "mul.hi.u64 d, d, d",
                    "mad.lo.s64 d, d, d, d",
                    "min.s64 d, d, d",
                    "add.s16 h, h, h",
                    "mul.lo.s16 h, h, h",
                    "and.b32 r, r, r",
                    "or.b32 r, r, i",
                    "xor.b32 r, r, r",
                    "not.b32 r, r",
                    "and.b64 d, d, d",
                    "xor.b64 d, d, i",
                    "not.b64 d, d",
                    "and.b16 h, h, h",
                    "cnot.b32 r, r",
                    "not.b16 h, h",
                    "shl.b32 r, r, r",
                    "shl.b32 r, r, j",
                    "shr.u32 r, r, j",
                    "shr.s32 r, r, r",
                    "shl.b64 d, d, j",
                    "shr.u64 d, d, r",
                    "shr.s64 d, d, j",
                    "shl.b16 h, h, j",
                    "shr.s16 h, h, j",
                    "shf.l.wrap.b32 r, r, r, r",
                    "shf.r.clamp.b32 r, r, r, j",
                    "bfe.u32 r, r, j, j",
                    "bfe.s64 d, d, r, j",
                    "bfi.b32 r, r, r, j, j",
                    "prmt.b32 r, r, r, r",
                    "prmt.b32 r, r, r, i",
                    "lop3.b32 r, r, r, r, 0x96",
                    "lop3.b32 r, r, r, r, 0xe2",
                    "popc.b32 r, r",
                    "popc.b64 r, d",
                    "clz.b32 r, r",
                    "clz.b64 r, d",
                    "brev.b32 r, r",
                    "bfind.s32 r, r",
                    "add.f32 f, f, f",
                    "add.rn.f32 f, f, f",
                    "sub.f32 f, f, f",
                    "mul.f32 f, f, f",
                    "fma.rn.f32 f, f, f, f",
                    "fma.rn.ftz.f32 f, f, f, f",
                    "add.ftz.f32 f, f, f",
                    "mul.ftz.f32 f, f, f",
                    "mul.rz.f32 f, f, f",
                    "fma.rp.f32 f, f, f, f",
                    "add.sat.f32 f, f, f",
                    "fma.rn.sat.f32 f, f, f, f",
                    "min.f32 f, f, f",
                    "max.f32 f, f, f",
                    "max.ftz.f32 f, f, f",
                    "min.NaN.f32 f, f, f",
                    "neg.f32 f, f",
                    "abs.f32 f, f",
                    "neg.ftz.f32 f, f",
                    "abs.ftz.f32 f, f",
                    "fma.rn.f32 r, r, r, r",
                    "add.f32 r, r, f",
                    "mul.f32 f, r, 0f3FC00000",
                    "sub.f32 f, 0f40000000, f",
                    "fma.rn.f32 f, f, 0fBF000000, 0f7F800000",
                    "copysign.f32 f, f, f",
                    "div.rn.f32 f, f, f",
                    "div.full.f32 f, f, f",
                    "rcp.approx.ftz.f32 f, f",
                    "sqrt.rn.f32 f, f",
                    "rsqrt.approx.f32 f, f",
                    "ex2.approx.ftz.f32 f, f",
                    "lg2.approx.f32 f, f",
                    "sin.approx.f32 f, f",
                    "tanh.approx.f32 f, f",
                    "add.f64 g, g, g",
                    "fma.rn.f64 g, g, g, g",
                    "mul.f64 g, g, g",
                    "neg.f64 g, g",
                    "add.f16 h, h, h",
                    "fma.rn.f16 h, h, h, h",
                    "mul.f16x2 r, r, r",
                    "fma.rn.bf16x2 r, r, r, r",
                    "max.f16x2 r, r, r",
                    "neg.bf16x2 r, r",
                    "cvt.u64.u32 d, r",
                    "cvt.s64.s32 d, r",
                    "cvt.u32.u64 r, d",
                    "cvt.s32.s64 r, d",
                    "cvt.s32.s8 r, r",
                    "cvt.u32.u16 r, h",
                    "cvt.s32.s16 r, h",
                    "cvt.u16.u32 h, r",
                    "cvt.sat.u8.s32 r, r",
                    "cvt.rn.f32.s32 f, r",
                    "cvt.rn.f32.u32 f, r",
                    "cvt.rn.f32.u32 r, r",
                    "cvt.rn.f32.s64 f, d",
                    "cvt.rz.f32.s32 f, r",
                    "cvt.rzi.s32.f32 r, f",
                    "cvt.rni.u32.f32 r, f",
                    "cvt.rmi.f32.f32 f, f",
                    "cvt.f32.f16 f, h",
                    "cvt.rn.f16.f32 h, f",
                    "cvt.rn.bf16.f32 h, f",
                    "cvt.rn.f16x2.f32 r, f, f",
                    "cvt.rna.tf32.f32 r, f",
                    "cvt.f64.f32 g, f",
                    "cvt.rn.f32.f64 f, g",
                    "cvt.rn.relu.f16.f32 h, f",
                    "mov.b32 r, r",
                    "mov.f32 f, f",
                    "mov.b32 f, r",
                    "mov.b32 r, f",
                    "mov.b64 d, d",
                    "mov.b64 d, i",
                    "mov.f32 f, 0f7FC12345",
                    "mov.b32 {h, h}, r",
                    "mov.b32 r, {h, h}",
                    "mov.b64 {r, r}, d",
                    "mov.b64 d, {r, f}",
                    "mov.b64 {f, r}, d",
                    "mov.u32 r, %tid.x",
                    "mov.u32 r, %laneid",
                    "mov.b16 h, h",
                    "mov.b64 g, d",
                    "mov.b64 d, g",
                    "selp.b32 r, r, r, p",
                    "selp.f32 f, f, f, p",
                    "selp.b64 d, d, i, p",
                    "selp.b32 f, f, r, p",
                    "selp.b16 h, h, h, p",
                    "slct.f32.s32 f, f, f, r",
                    "setp.lt.s32 p, r, r",
                    "setp.hi.u32 p, r, r",
                    "setp.ge.u32 p, r, i",
                    "setp.eq.s32 p, r, r",
                    "setp.ne.s64 p, d, d",
                    "setp.lt.u64 p, d, d",
                    "setp.le.s64 p, d, i",
                    "setp.lt.f32 p, f, f",
                    "setp.ne.f32 p, f, f",
                    "setp.eq.f32 p, f, f",
                    "setp.ge.f32 p, f, 0f00000000",
                    "setp.neu.f32 p, f, f",
                    "setp.gtu.f32 p, r, f",
                    "setp.nan.f32 p, f, f",
                    "setp.lt.ftz.f32 p, f, f",
                    "setp.gt.f64 p, g, g",
                    "setp.lt.s16 p, h, h",
                    "setp.le.s32 p|p, r, r",
                    "setp.gt.and.s32 p, r, r, p",
                    "setp.lt.or.f32 p|p, f, f, !p",
                    "setp.ne.xor.u32 p, r, r, p",
                    "setp.lt.f16x2 p|p, r, r",
                    "setp.gt.bf16 p, h, h",
                    "set.lt.u32.f32 r, f, f",
                    "testp.infinite.f32 p, f",
                    "and.pred p, p, p",
                    "or.pred p, p, !p",
                    "xor.pred p, p, p",
                    "not.pred p, p",
                    "mov.pred p, p",
                    "st.shared.u32 [%s], r; ld.shared.u32 r, [%s]",
                    "st.shared.u16 [%s+2], h; ld.shared.s16 r, [%s+2]",
                    "st.shared.u8 [%s+7], r; ld.shared.s8 r, [%s+7]",
                    "st.shared.v2.f32 [%s+8], {f, r}; ld.shared.b64 d, [%s+8]",
                    "ld.shared.v4.u32 {r, f, r, r}, [%s]",
                    "st.shared.u64 [%s], d",
                    "st.local.u32 [buf+4], r; ld.local.f32 f, [buf+4]",
                    "st.local.v2.u64 [buf+16], {d, d}; ld.local.u8 r, [buf+19]",
                    "ld.global.v4.b32 {r, r, f, f}, [%in]",
                    "ld.global.nc.f32 f, [%in+8]",
                    "ld.global.u8 r, [%in+5]",
                    "ld.global.s16 r, [%in+6]",
                    "ld.global.s32 d, [%in+4]",
                    "ld.global.b64 g, [%in+16]",
                    "ld.global.b16 h, [%in+2]",
                    "ld.param.u32 r, [n]",
                    "st.global.v2.u32 [%out], {r, f}",
                    "st.global.u8 [%out+9], r",
                    "st.global.f64 [%out+16], g",
                    "st.global.u16 [%out+24], h",
                    "shfl.sync.bfly.b32 r, r, 3, 31, 0xffffffff",
                    "shfl.sync.down.b32 f|p, f, 1, 31, 0xffffffff",
                    "vote.sync.ballot.b32 r, p, 0xffffffff",
                    "redux.sync.add.s32 r, r, 0xffffffff");

    private final StringBuilder text = new StringBuilder();
    private Random random = new Random(0);
    private int labels;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void compiledCodeLeavesTheSameBitsAsTheInterpreter(long seed) {
        random = new Random(seed);
        for (int i = 0; i < PROGRAMS / 8; i++) {
            runOne("seed " + seed + " program " + i);
        }
    }

    private void runOne(String name) {
        Bench bench = Bench.ofText(name, program());
        int[] bits = new int[THREADS * 8];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = interesting();
        }
        long in = bench.upload(bits);
        long out = bench.upload(new int[THREADS * 64]);
        EmulatedKernel k = bench.kernel("k");
        k.launchBothWays(
                        Dim3.of(2),
                        Dim3.of(THREADS / 2),
                        0,
                        k.arguments().int64(in).int64(out).int32(random.nextInt()))
                .requireClean();
    }

    private int interesting() {
        int[] special = {
            0,
            0x80000000,
            0x3f800000,
            0x7f800000,
            0xff800000,
            0x7fc00001,
            0x7f800001,
            1,
            0x007fffff,
            -1
        };
        return switch (random.nextInt(4)) {
            case 0 -> special[random.nextInt(special.length)];
            case 1 -> random.nextInt();
            case 2 -> random.nextInt(64);
            default -> Float.floatToRawIntBits((float) random.nextGaussian());
        };
    }

    private String program() {
        text.setLength(0);
        line(".version 7.0\n.target sm_80\n.address_size 64");
        line(".visible .entry k(.param .u64 pin, .param .u64 pout, .param .u32 n) {");
        line(".reg .b32 %r<8>, %t, %s, %c; .reg .f32 %f<8>; .reg .b64 %d<6>, %in, %out, %slot;");
        line(".reg .b16 %h<6>; .reg .f64 %g<3>; .reg .pred %p<6>;");
        line(".shared .align 16 .b8 smem[1024]; .local .align 16 .b8 buf[32];");
        line("ld.param.u64 %in, [pin]; ld.param.u64 %out, [pout]; mov.u32 %t, %tid.x;");
        line("mov.u32 %s, %ctaid.x; mad.lo.s32 %c, %s, 64, %t;");
        line("mul.wide.u32 %slot, %c, 32; add.s64 %in, %in, %slot;");
        line("mul.wide.u32 %slot, %c, 256; add.s64 %out, %out, %slot;");
        line("shl.b32 %s, %t, 4; mov.u32 %c, smem; add.s32 %s, %s, %c;");
        for (int i = 0; i < 8; i++) {
            line("ld.global.u32 %r" + i + ", [%in+" + 4 * i + "];");
            line("ld.global.f32 %f" + i + ", [%in+" + (28 - 4 * i) + "];");
        }
        for (int i = 0; i < 6; i++) {
            line("cvt.u16.u32 %h" + i + ", %r" + i + "; setp.lt.s32 %p" + i + ", %r" + i + ", 7;");
            line("mov.b64 %d" + i + ", {%r" + i + ", %r" + (i + 1) + "};");
        }
        line("mov.b64 %g0, %d0; mov.b64 %g1, %d1; mov.b64 %g2, %d2;");
        line("st.shared.v4.u32 [%s], {%r0, %r1, %r2, %r3};");
        line("st.local.v4.u32 [buf], {%r0, %r1, %r2, %r3};");
        line("st.local.v4.u32 [buf+16], {%r0, %r1, %r2, %r3};");
        statements(120, false);
        line("and.b32 %c, %t, 3;");
        line("LOOP:");
        statements(40, true);
        line("setp.ne.s32 %p0, %c, 0; sub.s32 %c, %c, 1; @%p0 bra LOOP;");
        statements(60, false);
        results();
        line("ret;\n}");
        return text.toString();
    }

    private void results() {
        for (int i = 0; i < 8; i++) {
            line("st.global.u32 [%out+" + (32 + 4 * i) + "], %r" + i + ";");
            line("st.global.f32 [%out+" + (64 + 4 * i) + "], %f" + i + ";");
        }
        for (int i = 0; i < 6; i++) {
            line("st.global.u64 [%out+" + (96 + 8 * i) + "], %d" + i + ";");
            line("st.global.u16 [%out+" + (144 + 2 * i) + "], %h" + i + ";");
            line(
                    "selp.b32 %r0, 1, 0, %p"
                            + i
                            + "; st.global.u32 [%out+"
                            + (160 + 4 * i)
                            + "], %r0;");
        }
        line("st.global.f64 [%out+192], %g0; st.global.f64 [%out+200], %g1;");
    }

    private void line(String words) {
        text.append(words).append('\n');
    }

    /** Straight code, and branches around some of it. Lanes of a loop go separate ways, so none may be missed in it. */
    private void statements(int count, boolean divergent) {
        for (int i = 0; i < count; i++) {
            if (random.nextInt(12) == 0) {
                String label = "L" + labels++;
                line("@" + negation() + pick("%p", 6) + " bra " + label + ";");
                int inside = 1 + random.nextInt(5);
                for (int j = 0; j < inside; j++) {
                    statement(true);
                }
                line(label + ":");
            } else {
                statement(divergent);
            }
        }
    }

    private void statement(boolean divergent) {
        String template = STATEMENTS.get(random.nextInt(STATEMENTS.size()));
        if (divergent && template.contains(".sync")) {
            return;
        }
        boolean guarded = !template.contains(".sync") && random.nextInt(4) == 0;
        for (String single : template.split("; ")) {
            int space = single.indexOf(' ');
            StringBuilder line = new StringBuilder(single.substring(0, space));
            for (String word : single.substring(space).split("(?<=[^\\w%.])|(?=[^\\w%.])")) {
                line.append(operand(word));
            }
            line(guarded ? "@" + negation() + pick("%p", 6) + " " + line + ";" : line + ";");
        }
    }

    private String operand(String word) {
        return switch (word) {
            case "r" -> pick("%r", 8);
            case "f" -> pick("%f", 8);
            case "d" -> pick("%d", 6);
            case "h" -> pick("%h", 6);
            case "g" -> pick("%g", 3);
            case "p" -> pick("%p", 6);
            case "i" -> String.valueOf(random.nextInt(2000) - 1000);
            case "j" -> String.valueOf(random.nextInt(40));
            default -> word;
        };
    }

    private String pick(String name, int count) {
        return name + random.nextInt(count);
    }

    private String negation() {
        return random.nextBoolean() ? "!" : "";
    }
}
