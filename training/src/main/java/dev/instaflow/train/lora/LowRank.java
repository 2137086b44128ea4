package dev.instaflow.train.lora;

import dev.instaflow.train.RandomStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The best product of two thin matrices for a large one. Halko, Martinsson and Tropp 2011, "Finding Structure
 * with Randomness", algorithms 4.4 and 5.1: a random projection, sharpened by power iterations, and singular
 * values of what is left. Both factors get the roots of the singular values.
 *
 * @param rank that was kept, at least 1
 * @param down [rank,In], row-major
 * @param up [Out,rank], row-major
 * @param kept share of the sum of squares, in [0,1]
 */
record LowRank(int rank, float[] down, float[] up, double kept) {
    private static final int MORE = 8;
    private static final int ITERATIONS = 3;

    /** Of a matrix [Out,In] that is not zero. */
    static LowRank of(DMatrixRMaj matrix, RankRule rule, RandomStream random) {
        int least = Math.min(matrix.numRows, matrix.numCols);
        int width = Math.min(rule.most() + MORE, least);
        DMatrixRMaj range = range(matrix, width, random);
        DMatrixRMaj inner = new DMatrixRMaj(matrix.numCols, width);
        CommonOps_DDRM.multTransA(
                matrix, range, inner); // [In,width]: thin, as the decomposition wants it
        SingularValueDecomposition_F64<DMatrixRMaj> svd =
                DecompositionFactory_DDRM.svd(matrix.numCols, width, true, true, true);
        if (!svd.decompose(inner)) {
            throw new ArithmeticException("no singular values of a difference: is it finite?");
        }
        DMatrixRMaj right = svd.getU(null, false); // [In,k]
        DMatrixRMaj small = svd.getV(null, false); // [width,k]
        double[] values = svd.getSingularValues().clone();
        SingularOps_DDRM.descendingOrder(
                right, false, values, svd.numberOfSingularValues(), small, false);
        DMatrixRMaj left = new DMatrixRMaj(matrix.numRows, small.numCols);
        CommonOps_DDRM.mult(range, small, left);
        double energy = squares(matrix.data, matrix.getNumElements());
        int rank = rank(values, Math.min(rule.most(), least), rule.share() * energy);
        double kept = squares(values, rank) / energy;
        return new LowRank(
                rank,
                factor(right, values, rank, true),
                factor(left, values, rank, false),
                Math.min(1, kept));
    }

    /** An orthonormal basis [Out,width] of nearly all that the matrix reaches. */
    private static DMatrixRMaj range(DMatrixRMaj matrix, int width, RandomStream random) {
        DMatrixRMaj projection = new DMatrixRMaj(matrix.numCols, width);
        float[] normals = random.normals(projection.getNumElements());
        for (int i = 0; i < normals.length; i++) {
            projection.data[i] = normals[i];
        }
        DMatrixRMaj range = new DMatrixRMaj(matrix.numRows, width);
        CommonOps_DDRM.mult(matrix, projection, range);
        range = orthonormal(range);
        for (int i = 0; i < ITERATIONS; i++) {
            CommonOps_DDRM.multTransA(matrix, range, projection);
            projection = orthonormal(projection);
            CommonOps_DDRM.mult(matrix, projection, range);
            range = orthonormal(range);
        }
        return range;
    }

    private static DMatrixRMaj orthonormal(DMatrixRMaj matrix) {
        QRDecomposition<DMatrixRMaj> qr =
                DecompositionFactory_DDRM.qr(matrix.numRows, matrix.numCols);
        if (!qr.decompose(matrix.copy())) {
            throw new ArithmeticException("no orthonormal basis of a difference: is it finite?");
        }
        return qr.getQ(null, true);
    }

    private static int rank(double[] values, int most, double enough) {
        double sum = 0;
        for (int rank = 1; rank < most; rank++) {
            sum += values[rank - 1] * values[rank - 1];
            if (sum >= enough) {
                return rank;
            }
        }
        return most;
    }

    private static double squares(double[] values, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += values[i] * values[i];
        }
        return sum;
    }

    /** The first columns times the roots of their values, transposed for {@code down}. */
    private static float[] factor(
            DMatrixRMaj columns, double[] values, int rank, boolean transposed) {
        float[] factor = new float[Math.multiplyExact(columns.numRows, rank)];
        for (int i = 0; i < columns.numRows; i++) {
            for (int r = 0; r < rank; r++) {
                float value = (float) (columns.get(i, r) * Math.sqrt(values[r]));
                factor[transposed ? r * columns.numRows + i : i * rank + r] = value;
            }
        }
        return factor;
    }
}
