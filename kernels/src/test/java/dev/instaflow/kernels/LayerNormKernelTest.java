package dev.instaflow.kernels;

import dev.instaflow.kernels.LayerNormKernel.Saved;
import dev.instaflow.kernels.LayerNormKernel.Spec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LayerNormKernelTest {
    /** Sums of up to 320 terms, ten in a lane and five across the warp, a square root and the affine part. */
    private static final int ROUNDINGS = 48;

    private static final float EPS = 1e-5f;

    private static final int[][] SIZES = {
        {1, 1}, {7, 31}, {33, 4}, {9, 100}, {8, 257}, {300, 33}, {150, 320}
    };

    @ParameterizedTest
    @EnumSource
    void forwardAndGradientMatchAtOddSizes(Storage storage) {
        for (int[] size : SIZES) {
            check(new Spec(storage, size[0], size[1], EPS));
        }
    }

    private static void check(Spec spec) {
        Storage storage = spec.storage();
        int c = spec.channels();
        int count = spec.rows() * c;
        try (Emulator device = new Emulator(3)) {
            float[] x = device.normal(storage, count);
            float[] dy = device.normal(storage, count);
            float[] gamma = device.normal(Storage.F32, c);
            float[] beta = device.normal(Storage.F32, c);
            long xAddress = device.upload(storage, x);
            long gammaAddress = device.upload(Storage.F32, gamma);
            long betaAddress = device.upload(Storage.F32, beta);
            long y = device.empty(storage, count);
            long dx = device.empty(storage, count);
            long stats = device.empty(spec.statsBytes());
            long columns = device.empty(spec.columnsBytes());
            long dgamma = device.empty(Storage.F32, c);
            long dbeta = device.empty(Storage.F32, c);
            Saved saved = new Saved(xAddress, device.upload(storage, dy), gammaAddress);
            device.run(LayerNormKernel.forward(spec, y, xAddress, gammaAddress, betaAddress));
            device.run(LayerNormKernel.backward(spec, dx, stats, saved));
            device.run(LayerNormKernel.backwardParameters(spec, columns, stats, saved));
            device.run(
                    ReduceKernel.chunks(
                            ReduceKernel.Partial.gamma(spec.chunks(), c), dgamma, columns));
            device.run(
                    ReduceKernel.chunks(
                            ReduceKernel.Partial.beta(spec.chunks(), c), dbeta, columns));
            Reference expected = new Reference(x, dy, gamma, beta);
            Close close = Close.f32(8, ROUNDINGS);
            close.storedAs(storage).check(spec + " y", expected.y, device.read(storage, y, count));
            // A row of one element has no spread, and 1/std is 1/sqrt(eps).
            new Close(close.absolute() * (c < 3 ? 1 / Math.sqrt(EPS) : 4), 0)
                    .storedAs(storage)
                    .check(spec + " dx", expected.dx, device.read(storage, dx, count));
            Close sums = Close.f32(8 * Math.sqrt(spec.rows()), ROUNDINGS);
            sums.check(spec + " dgamma", expected.dgamma, device.read(Storage.F32, dgamma, c));
            sums.check(spec + " dbeta", expected.dbeta, device.read(Storage.F32, dbeta, c));
        }
    }

    @Test
    void launchesKeepToTheirBounds() {
        for (Storage storage : Storage.values()) {
            Spec spec = new Spec(storage, 256, 320, EPS);
            int count = 256 * 320;
            long bytes = (long) count * storage.sizeBytes();
            try (Emulator device = new Emulator(3)) {
                long x = device.upload(storage, device.normal(storage, count));
                long dy = device.upload(storage, device.normal(storage, count));
                long gamma = device.upload(Storage.F32, device.normal(Storage.F32, 320));
                long y = device.empty(storage, count);
                long stats = device.empty(spec.statsBytes());
                long columns = device.empty(spec.columnsBytes());
                Saved saved = new Saved(x, dy, gamma);
                device.runWithin(LayerNormKernel.forward(spec, y, x, gamma, gamma), 2 * bytes);
                device.runWithin(LayerNormKernel.backward(spec, y, stats, saved), 3 * bytes);
                device.runWithin(
                        LayerNormKernel.backwardParameters(spec, columns, stats, saved), 2 * bytes);
            }
        }
    }

    /** In F64, row by row. */
    private static final class Reference {
        private final double[] y;
        private final double[] dx;
        private final double[] dgamma;
        private final double[] dbeta;

        Reference(float[] x, float[] dy, float[] gamma, float[] beta) {
            int c = gamma.length;
            y = new double[x.length];
            dx = new double[x.length];
            dgamma = new double[c];
            dbeta = new double[c];
            for (int row = 0; row < x.length; row += c) {
                double mean = 0;
                for (int k = 0; k < c; k++) {
                    mean += (double) x[row + k] / c;
                }
                double variance = 0;
                for (int k = 0; k < c; k++) {
                    variance += (x[row + k] - mean) * (x[row + k] - mean) / c;
                }
                double rstd = 1 / Math.sqrt(variance + EPS);
                double constant = 0;
                double linear = 0;
                for (int k = 0; k < c; k++) {
                    double xhat = (x[row + k] - mean) * rstd;
                    double slope = (double) dy[row + k] * gamma[k];
                    y[row + k] = xhat * gamma[k] + beta[k];
                    dgamma[k] += dy[row + k] * xhat;
                    dbeta[k] += dy[row + k];
                    constant += slope / c;
                    linear += slope * xhat / c;
                }
                for (int k = 0; k < c; k++) {
                    double xhat = (x[row + k] - mean) * rstd;
                    double slope = (double) dy[row + k] * gamma[k];
                    dx[row + k] = rstd * (slope - constant - xhat * linear);
                }
            }
        }
    }
}
