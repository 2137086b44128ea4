package dev.instaflow.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients of the reference in F64 against {@code (f(x + h) - f(x - h)) / 2h}, every element. */
public abstract class CentralDifferences {
    /**
     * The step. The formula is off by h^2/6 times the third derivative, about 2e-9 here, and rounding
     * of sums of some hundred terms of size 1 adds 1e-13 / h = 1e-9.
     */
    private static final double STEP = 1e-4;

    /**
     * Of the largest gradient in the tensor: the two errors above, times ten for the third
     * derivatives of norms of few elements.
     */
    private static final double TOLERANCE = 1e-6;

    private final ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);

    @AfterEach
    void closeWithoutLeaks() {
        backend.close();
    }

    static List<GradCase> cases() {
        return GradCase.small();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gradientsAreThoseOfCentralDifferences(GradCase grad) throws IOException {
        Shape result = GradProblem.resultShape(backend, grad);
        GradProblem problem = new GradProblem(grad, result, 7);
        problem.with(
                backend,
                (ops, in) -> {
                    check(grad, problem, ops, in);
                    return null;
                });
    }

    private void check(GradCase grad, GradProblem problem, Ops ops, Tensor[] in) {
        Tensor y = grad.forward().run(ops, in);
        Tensor dy = ops.tensor("dy", y.shape(), problem.dy());
        GradOps gradients = backend.gradients(ops);
        Tensor[] d = grad.backward().run(gradients, in, dy);
        for (int i = 0; i < in.length; i++) {
            double[] x = ReferenceBackend.values(in[i]);
            double[] analytic = ReferenceBackend.values(d[i]);
            assertEquals(x.length, analytic.length, "gradient of input " + i);
            double scale = 1;
            for (double value : analytic) {
                scale = Math.max(scale, Math.abs(value));
            }
            for (int at = 0; at < x.length; at++) {
                double kept = x[at];
                x[at] = kept + STEP;
                double above = weighted(grad, ops, in, dy);
                x[at] = kept - STEP;
                double below = weighted(grad, ops, in, dy);
                x[at] = kept;
                double numeric = (above - below) / (2 * STEP);
                boolean close = Math.abs(numeric - analytic[at]) <= TOLERANCE * scale;
                String what = "%s, input %d at %d: got %s, differences give %s";
                assertTrue(close, what.formatted(grad.name(), i, at, analytic[at], numeric));
            }
        }
    }

    /** The sum of {@code y dy}, whose gradient with respect to y is dy. */
    private static double weighted(GradCase grad, Ops ops, Tensor[] in, Tensor dy) {
        double[] y = ReferenceBackend.values(grad.forward().run(ops, in));
        double[] weights = ReferenceBackend.values(dy);
        double sum = 0;
        for (int i = 0; i < y.length; i++) {
            sum += y[i] * weights[i];
        }
        return sum;
    }
}
