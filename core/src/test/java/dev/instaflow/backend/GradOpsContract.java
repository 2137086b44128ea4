package dev.instaflow.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every backend that trains must compute, checked against plain loops in F64. */
public abstract class GradOpsContract {
    /**
     * Of the largest value of a gradient: sums of up to 2000 products of unit normals round to about
     * sqrt(2000) * 2^-24 = 3e-6 of their size, exponentials and the cancellation in norms add as much.
     */
    private static final double TOLERANCE = 2e-5;

    private TrainingBackend backend;

    /** A fresh backend; closed after the test, when nothing may be alive. */
    protected abstract TrainingBackend createBackend();

    /** What a backend's results are rounded to; F32 means that the tolerance holds as it is. */
    protected ReferenceBackend.Precision storage() {
        return ReferenceBackend.Precision.F32;
    }

    @BeforeEach
    void open() {
        backend = createBackend();
    }

    @AfterEach
    void closeWithoutLeaks() {
        backend.close();
    }

    static List<GradCase> cases() {
        return GradCase.all();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gradientsAreTheReferences(GradCase grad) throws IOException {
        try (ReferenceBackend reference = new ReferenceBackend(ReferenceBackend.Precision.F64)) {
            Shape result = GradProblem.resultShape(reference, grad);
            GradProblem problem = new GradProblem(grad, result, 11);
            List<float[]> expected = problem.gradients(reference, result);
            List<float[]> actual = problem.gradients(backend, result);
            List<float[]> rounded = rounded(problem, result);
            for (int i = 0; i < expected.size(); i++) {
                TensorAssert.close(
                        grad.name() + ", input " + i,
                        actual.get(i),
                        expected.get(i),
                        allowed(expected.get(i), rounded.get(i)));
            }
        }
    }

    /** What plain loops compute whose operands and results are rounded as this backend's are. */
    private List<float[]> rounded(GradProblem problem, Shape result) throws IOException {
        try (ReferenceBackend narrow = new ReferenceBackend(storage())) {
            return problem.gradients(narrow, result);
        }
    }

    /**
     * Where the storage is narrow, beside the tolerance of sums twice the error of plain loops that round to it, and a unit
     * in the last place of the largest value.
     */
    private double allowed(float[] expected, float[] rounded) {
        double scale = 1;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            scale = Math.max(scale, Math.abs(expected[i]));
            error = Math.max(error, Math.abs((double) rounded[i] - expected[i]));
        }
        return switch (storage()) {
            case F32, F64 -> TOLERANCE * scale;
            case F16 -> (TOLERANCE + 0x1p-10) * scale + 2 * error;
            case BF16 -> (TOLERANCE + 0x1p-7) * scale + 2 * error;
        };
    }

    @Test
    void updatedMatrixIsUsedByAllThatReadIt() throws IOException {
        float[] first = values(60, 1);
        float[] second = values(60, 2);
        Shape shape = Shape.of(6, 10);
        try (Tensor updated = upload(WeightForm.LINEAR, shape, first);
                Tensor fresh = upload(WeightForm.LINEAR, shape, second);
                Scope scope = backend.openScope("update")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(3, 10), values(30, 3));
            Tensor dy = ops.tensor("dy", Shape.of(3, 6), values(18, 4));
            ops.linear(x, updated);
            backend.gradients(ops).linearInput(updated, dy);
            backend.update(updated, FloatSource.of(second));
            assertArrayEquals(second, ops.toArray(updated));
            assertSame(ops, ops.linear(x, fresh), ops.linear(x, updated));
            assertSame(
                    ops,
                    backend.gradients(ops).linearInput(fresh, dy),
                    backend.gradients(ops).linearInput(updated, dy));
        }
    }

    @Test
    void updatedKernelIsUsedByAllThatReadIt() throws IOException {
        ConvSpec spec = ConvSpec.SAME_3X3;
        WeightForm form = new WeightForm.Conv(spec, 8, 8);
        Shape shape = Shape.of(16, 8, 3, 3);
        float[] second = values(1152, 2);
        try (Tensor updated = upload(form, shape, values(1152, 1));
                Tensor fresh = upload(form, shape, second);
                Tensor bias = upload(WeightForm.PLAIN, Shape.of(16), values(16, 5));
                Scope scope = backend.openScope("update")) {
            Ops ops = scope.ops();
            Shape in = Shape.of(2, 5, 7, 8);
            Tensor x = ops.tensor("x", in, values(560, 3));
            Tensor dy = ops.tensor("dy", Shape.of(2, 5, 7, 16), values(1120, 4));
            ops.conv2d(spec, x, updated, bias);
            backend.gradients(ops).conv2dInput(spec, in, updated, dy);
            backend.update(updated, FloatSource.of(second));
            assertArrayEquals(second, ops.toArray(updated));
            assertSame(ops, ops.conv2d(spec, x, fresh, bias), ops.conv2d(spec, x, updated, bias));
            assertSame(
                    ops,
                    backend.gradients(ops).conv2dInput(spec, in, fresh, dy),
                    backend.gradients(ops).conv2dInput(spec, in, updated, dy));
        }
    }

    private static void assertSame(Ops ops, Tensor expected, Tensor actual) {
        assertArrayEquals(ops.toArray(expected), ops.toArray(actual));
    }

    private Tensor upload(WeightForm form, Shape shape, float[] values) throws IOException {
        return backend.upload("w", form, shape, FloatSource.of(values));
    }

    private static float[] values(int count, long seed) {
        java.util.Random random = new java.util.Random(seed);
        float[] all = new float[count];
        for (int i = 0; i < count; i++) {
            all[i] = (float) random.nextGaussian();
        }
        return all;
    }
}
