package dev.instaflow.benchmarks;

import dev.instaflow.standin.Ledger;
import java.util.ArrayList;
import java.util.List;

/**
 * What one launch has to do.
 *
 * @param kind whose business it is
 * @param arithmetic that it multiplies in
 * @param flops multiplications and additions of products
 * @param doneFlops with those that padding adds
 * @param bytes read and written, each operand once
 */
record LaunchWork(Kind kind, Arithmetic arithmetic, double flops, double doneFlops, double bytes) {
    /** As tables list it. */
    enum Kind {
        CONVOLUTION("convolutions (cuDNN)"),
        PRODUCT("products (cuBLAS)"),
        ATTENTION("attention"),
        GROUP_NORM("group norm"),
        LAYER_NORM("layer norm"),
        GEGLU("GEGLU"),
        BIAS("bias and residual"),
        MOVES("upsample, concat, pad"),
        CASTS("casts"),
        ELEMENTWISE("other kernels"),
        COPIES("copies");

        private final String title;

        Kind(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /** The units that do it. */
    enum Arithmetic {
        /** F16 or BF16 on tensor cores. */
        HALF,
        /** F32 rounded to TF32 on tensor cores. */
        TF32,
        /** Fused multiply-adds. */
        F32,
        /** Nothing that counts. */
        NONE
    }

    private static final int CUBLAS_TF32 = 77;
    private static final int F32_TYPE = 0;

    /** All that was executed; cuDNN's F32 may be TF32, which the ledger does not tell. */
    static List<LaunchWork> of(Ledger ledger, Arithmetic convolutionsInF32) {
        List<LaunchWork> all = new ArrayList<>();
        ledger.kernels().forEach(kernel -> all.add(KernelTraffic.of(kernel)));
        for (Ledger.Gemm gemm : ledger.gemms()) {
            Arithmetic wide = gemm.computeType() == CUBLAS_TF32 ? Arithmetic.TF32 : Arithmetic.F32;
            Arithmetic arithmetic = gemm.types().get(0) == F32_TYPE ? wide : Arithmetic.HALF;
            all.add(
                    new LaunchWork(
                            Kind.PRODUCT, arithmetic, gemm.flops(), gemm.flops(), gemm.bytes()));
        }
        for (Ledger.Convolution c : ledger.convolutions()) {
            Arithmetic arithmetic = c.dataType() == F32_TYPE ? convolutionsInF32 : Arithmetic.HALF;
            all.add(new LaunchWork(Kind.CONVOLUTION, arithmetic, c.flops(), c.flops(), c.bytes()));
        }
        for (Ledger.Copy copy : ledger.copies()) {
            if (copy.direction() == Ledger.Copy.Direction.IN_DEVICE) {
                all.add(new LaunchWork(Kind.COPIES, Arithmetic.NONE, 0, 0, 2.0 * copy.bytes()));
            }
        }
        for (Ledger.Other other : ledger.other()) {
            all.add(new LaunchWork(Kind.COPIES, Arithmetic.NONE, 0, 0, other.bytes()));
        }
        return all;
    }
}
