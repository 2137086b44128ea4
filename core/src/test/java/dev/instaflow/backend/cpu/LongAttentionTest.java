package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention over so many keys that queries are taken in tiles, the last one smaller. */
class LongAttentionTest {
    /** As in the contract: a convex combination of unit normals. */
    private static final double TOLERANCE = 2e-5;

    private static float[] attention(Backend backend, AttentionSpec spec, int n, int t, int s) {
        int c = spec.heads() * 4;
        try (Scope scope = backend.openScope("attention")) {
            Random random = new Random(5);
            Tensor q = random(scope, random, n, t, c);
            Tensor k = random(scope, random, n, s, c);
            Tensor v = random(scope, random, n, s, c);
            return scope.ops().toArray(scope.ops().attention(spec, q, k, v));
        }
    }

    private static Tensor random(Scope scope, Random random, long... sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return scope.ops().tensor("x", shape, values);
    }

    @ParameterizedTest
    @CsvSource({"1,600,4096,8,NONE", "2,1030,1030,8,NONE", "1,1100,1100,4,CAUSAL"})
    void matchesTheReference(int n, int t, int s, int heads, AttentionSpec.Mask mask) {
        AttentionSpec spec = new AttentionSpec(heads, mask);
        try (Backend cpu = CpuBackend.open(CpuSettings.AUTOMATIC);
                Backend reference = new ReferenceBackend(ReferenceBackend.Precision.F64)) {
            TensorAssert.close(
                    spec.toString(),
                    attention(cpu, spec, n, t, s),
                    attention(reference, spec, n, t, s),
                    TOLERANCE);
        }
    }
}
