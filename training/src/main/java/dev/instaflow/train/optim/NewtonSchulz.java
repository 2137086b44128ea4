package dev.instaflow.train.optim;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * Brings the singular values of a matrix close to 1: five steps {@code X <- aX + b(XX')X + c(XX')^2 X} from {@code
 * X = M/|M|}. Jordan et al. 2024, "Muon", with its coefficients, which end at singular values of about 0.7 to
 * 1.2 rather than converge.
 *
 * <p>Differs in the order of operations: every step multiplies X by a polynomial in XX', all of which commute, so
 * the product Q of the polynomials of some steps is gathered in the square of the smaller side and meets X once. The
 * steps are cut in two such runs: in a single one F32 would lose the smallest directions. That is five products with
 * the long side in place of ten. F32 throughout, where the original has BF16.
 */
final class NewtonSchulz {
    /** Steps of the first and of the second run. */
    private static final int[] RUNS = {2, 3};

    private static final float A = 3.4445f;
    private static final float B = -4.7750f;
    private static final float C = 2.0315f;
    private static final double EPS = 1e-7;

    private final TrainingBackend backend;

    NewtonSchulz(TrainingBackend backend) {
        this.backend = backend;
    }

    /**
     * The nearly orthogonal matrix.
     *
     * @param matrix [rows,columns], row-major
     * @return a fresh array of the same order
     */
    float[] orthogonal(float[] matrix, int rows, int columns) {
        float[] scaled = scaled(matrix);
        float[] turned = transposed(scaled, rows, columns);
        boolean isWide = rows <= columns;
        Shape shape = Shape.of(rows, columns);
        Shape other = Shape.of(columns, rows);
        try (Scope scope = backend.openScope("Newton-Schulz")) {
            Ops ops = scope.ops();
            GradOps products = backend.gradients(ops); // linearWeight(x, dy) is dy'x
            Tensor wide = ops.tensor("X", isWide ? shape : other, isWide ? scaled : turned);
            Tensor tall = ops.tensor("X'", isWide ? other : shape, isWide ? turned : scaled);
            Tensor q = polynomial(ops, products, products.linearWeight(tall, tall), RUNS[0]);
            tall = products.linearWeight(q, wide);
            wide = products.linearWeight(wide, q);
            q = polynomial(ops, products, products.linearWeight(tall, tall), RUNS[1]);
            Tensor result =
                    isWide ? products.linearWeight(wide, q) : products.linearWeight(q, wide);
            return ops.toArray(result);
        }
    }

    /** The symmetric matrix that X is to be multiplied by for some steps, of {@code gram = XX'}. */
    private static Tensor polynomial(Ops ops, GradOps products, Tensor gram, int steps) {
        Tensor identity = ops.tensor("I", gram.shape(), identity(gram.shape().intSize(0)));
        float[][] coefficients = {{A}, {B}, {C}};
        Tensor x = gram;
        Tensor q = identity;
        for (int step = 0; step < steps; step++) {
            Tensor squared = products.linearWeight(x, x);
            Tensor factor = ops.combine(coefficients, identity, x, squared);
            q = step == 0 ? factor : products.linearWeight(q, factor);
            if (step + 1 < steps) {
                // From both sides: from one, what rounding leaves asymmetric would grow.
                Tensor half = products.linearWeight(factor, x);
                x = products.linearWeight(half, factor);
            }
        }
        return q;
    }

    private static float[] scaled(float[] matrix) {
        double squares = 0;
        for (float value : matrix) {
            squares += (double) value * value;
        }
        float factor = (float) (1 / (Math.sqrt(squares) + EPS));
        float[] scaled = new float[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            scaled[i] = matrix[i] * factor;
        }
        return scaled;
    }

    private static float[] transposed(float[] matrix, int rows, int columns) {
        float[] turned = new float[matrix.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                turned[column * rows + row] = matrix[row * columns + column];
            }
        }
        return turned;
    }

    private static float[] identity(int side) {
        float[] values = new float[Math.multiplyExact(side, side)];
        for (int i = 0; i < side; i++) {
            values[i * side + i] = 1;
        }
        return values;
    }
}
