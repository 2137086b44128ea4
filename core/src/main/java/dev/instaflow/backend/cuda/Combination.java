package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.kernels.CombineKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Sums with coefficients, a few terms a launch, always in F32: samplers step by them. */
final class Combination {
    private final CudaEngine engine;
    private final Operands operands;

    Combination(CudaEngine engine, Operands operands) {
        this.engine = engine;
        this.operands = operands;
    }

    /** Writes the sum to y. */
    void run(float[][] coefficients, Tensor[] xs, Tensor y) {
        long to = engine.storage(y).address();
        for (int first = 0; first < xs.length; ) {
            List<float[]> rows = new ArrayList<>();
            List<Long> addresses = new ArrayList<>();
            if (first > 0) {
                rows.add(new float[] {1});
                addresses.add(to);
            }
            for (; first < xs.length && rows.size() < CombineKernel.MAX_TERMS; first++) {
                rows.add(coefficients[first]);
                addresses.add(operands.of(xs[first], Storage.F32));
            }
            launch(rows, addresses, y, to);
        }
    }

    private void launch(List<float[]> rows, List<Long> addresses, Tensor y, long to) {
        long count = y.shape().count();
        if (rows.stream().allMatch(row -> row.length == 1)) {
            List<CombineKernel.Term> terms = new ArrayList<>();
            for (int k = 0; k < rows.size(); k++) {
                terms.add(new CombineKernel.Term(rows.get(k)[0], addresses.get(k)));
            }
            engine.launcher().launch(CombineKernel.uniform(Storage.F32, to, terms, count), y);
            return;
        }
        engine.recordings().requireNone("coefficients of the heap");
        int n = y.shape().intSize(0);
        float[] table = new float[rows.size() * n];
        for (int i = 0; i < table.length; i++) {
            float[] row = rows.get(i / n);
            table[i] = row.length == 1 ? row[0] : row[i % n];
        }
        Arena.Range uploaded = engine.pool().take((long) table.length * Float.BYTES, y);
        try {
            engine.transfers().write(uploaded.address(), table, y);
            CombineKernel.Samples samples = new CombineKernel.Samples(n, count / n);
            engine.launcher()
                    .launch(
                            CombineKernel.each(
                                    Storage.F32, to, addresses, uploaded.address(), samples),
                            y);
        } finally {
            engine.pool().give(uploaded);
        }
    }
}
