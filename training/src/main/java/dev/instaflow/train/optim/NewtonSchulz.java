package dev.instaflow.train.optim;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * Brings the singular values of a matrix close to 1: five steps {@code X <- aX + b(XX')X + c(XX')^2 X} from {@code
 * X = M/|M|}. Jordan et al. 2024, "Muon", with its coefficients, which end at singular values of about 0.7 to
 * 1.2 rather than converge.
 *
 * <p>Differs in the order of operations: every step multiplies X by a polynomial in XX', all of which commute, so
 * the product Q of the polynomials is gathered in the square of the smaller side and meets X once, at the end. That is
 * two products with the long side in place of ten. F32 throughout, where the original has BF16.
 */
final class NewtonSchulz {
    private static final int STEPS = 5;
    private static final float A = 3.4445f;
    private static final float B = -4.7750f;
    private static final float C = 2.0315f;
    private static final double EPS = 1e-7;

    /** Side of the squares that a matrix is turned in, so that lines of the cache are used whole. */
    private static final int TILE = 16;

    private final TrainingBackend backend;

    NewtonSchulz(TrainingBackend backend) {
        this.backend = backend;
    }

    /**
     * The nearly orthogonal matrix.
     *
     * @param ops of a scope of the backend, in a lane or not
     * @param matrix [rows,columns], row-major; scaled to length 1 here
     * @return a fresh array of the same order
     */
    float[] orthogonal(Ops ops, float[] matrix, int rows, int columns) {
        scale(matrix);
        float[] turned = transposed(matrix, rows, columns);
        boolean isWide = rows <= columns;
        Shape shape = Shape.of(rows, columns);
        Shape other = Shape.of(columns, rows);
        GradOps products = backend.gradients(ops); // linearWeight(x, dy) is dy'x
        Tensor wide = ops.tensor("X", isWide ? shape : other, isWide ? matrix : turned);
        Tensor tall = ops.tensor("X'", isWide ? other : shape, isWide ? turned : matrix);
        Tensor q = polynomial(ops, products, products.linearWeight(tall, tall));
        return ops.toArray(
                isWide ? products.linearWeight(wide, q) : products.linearWeight(q, wide));
    }

    /** The symmetric matrix that X is to be multiplied by, of {@code gram = XX'}. */
    private static Tensor polynomial(Ops ops, GradOps products, Tensor gram) {
        Tensor identity = ops.tensor("I", gram.shape(), identity(gram.shape().intSize(0)));
        float[][] coefficients = {{A}, {B}, {C}};
        Tensor x = gram;
        Tensor q = identity;
        for (int step = 0; step < STEPS; step++) {
            Tensor squared = products.linearWeight(x, x);
            Tensor factor = ops.combine(coefficients, identity, x, squared);
            q = step == 0 ? factor : products.linearWeight(q, factor);
            if (step + 1 < STEPS) {
                Tensor half = products.linearWeight(factor, x);
                Tensor next = products.linearWeight(half, factor);
                // What rounding leaves asymmetric would grow, and the directions mix.
                x = step % 2 == 0 ? symmetric(ops, next) : next;
            }
        }
        return q;
    }

    private static Tensor symmetric(Ops ops, Tensor x) {
        int side = x.shape().intSize(0);
        float[] values = ops.toArray(x);
        for (int i = 0; i < side; i++) {
            for (int k = 0; k < i; k++) {
                float mean = (values[i * side + k] + values[k * side + i]) / 2;
                values[i * side + k] = mean;
                values[k * side + i] = mean;
            }
        }
        return ops.tensor("symmetric", x.shape(), values);
    }

    private static void scale(float[] matrix) {
        double[] squares = new double[4]; // sums that do not wait for each other
        int rest = matrix.length % squares.length;
        for (int i = 0; i < matrix.length - rest; i += squares.length) {
            squares[0] += (double) matrix[i] * matrix[i];
            squares[1] += (double) matrix[i + 1] * matrix[i + 1];
            squares[2] += (double) matrix[i + 2] * matrix[i + 2];
            squares[3] += (double) matrix[i + 3] * matrix[i + 3];
        }
        for (int i = matrix.length - rest; i < matrix.length; i++) {
            squares[0] += (double) matrix[i] * matrix[i];
        }
        double sum = squares[0] + squares[1] + (squares[2] + squares[3]);
        float factor = (float) (1 / (Math.sqrt(sum) + EPS));
        for (int i = 0; i < matrix.length; i++) {
            matrix[i] *= factor;
        }
    }

    private static float[] transposed(float[] matrix, int rows, int columns) {
        float[] turned = new float[matrix.length];
        for (int top = 0; top < rows; top += TILE) {
            for (int left = 0; left < columns; left += TILE) {
                int bottom = Math.min(rows, top + TILE);
                int right = Math.min(columns, left + TILE);
                for (int column = left; column < right; column++) {
                    for (int row = top; row < bottom; row++) {
                        turned[column * rows + row] = matrix[row * columns + column];
                    }
                }
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
