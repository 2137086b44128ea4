package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.kernels.ElementwiseKernel.Unary;
import dev.instaflow.kernels.GroupNormKernel.Affine;
import dev.instaflow.kernels.GroupNormKernel.Input;
import dev.instaflow.kernels.GroupNormKernel.Saved;
import dev.instaflow.kernels.GroupNormKernel.Spec;
import dev.instaflow.kernels.GroupNormKernel.Then;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GroupNormKernelTest {
    /** Sums of up to 2^12 terms in runs of at most 64, a square root and the affine part. */
    private static final int ROUNDINGS = 64;

    private static final float EPS = 1e-5f;

    /** n, pixels, channels, groups: both widths of loads, one and several chunks, slabs and groups beyond a warp. */
    private static final int[][] SIZES = {
        {1, 1, 1, 1},
        {2, 7, 8, 2},
        {1, 31, 33, 3},
        {3, 33, 12, 4},
        {2, 100, 160, 32},
        {1, 257, 100, 50},
        {1, 70, 257, 257},
        {2, 300, 64, 4},
    };

    @ParameterizedTest
    @EnumSource
    void forwardAndGradientMatchAtOddSizes(Storage storage) {
        for (int[] size : SIZES) {
            for (Then then : Then.values()) {
                Spec spec = new Spec(storage, size[0], size[1], size[2], size[3], EPS, then);
                new Case(spec, then == Then.SILU, 0).check();
            }
        }
    }

    @Test
    void offsetFarFromZeroKeepsItsDigits() {
        new Case(new Spec(Storage.F32, 1, 257, 64, 4, EPS, Then.IDENTITY), false, 1000).check();
    }

    @Test
    void launchesOfOneImageKeepToTheirBounds() {
        for (Storage storage : Storage.values()) {
            Spec spec = new Spec(storage, 1, 1024, 64, 32, EPS, Then.SILU);
            new Case(spec, false, 0).checkTraffic();
        }
    }

    @Test
    void channelsThatGroupsDoNotDivideAreRefused() {
        String message =
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new Spec(Storage.F32, 1, 4, 10, 4, EPS, Then.SILU))
                        .getMessage();
        assertTrue(message.contains("10 channels in 4 groups"), message);
    }

    /** One problem: inputs, and the reference in F64. */
    private static final class Case {
        private final Emulator device = new Emulator(11);
        private final Spec spec;
        private final float offset;
        private final float[] x;
        private final float[] shift;
        private final float[] gamma;
        private final float[] beta;
        private final float[] dy;
        private final Input input;
        private final Affine affine;
        private final double[] y;
        private final double[] dx;
        private final double[] dgamma;
        private final double[] dbeta;

        Case(Spec spec, boolean shifted, float offset) {
            this.spec = spec;
            this.offset = offset;
            int count = spec.n() * spec.pixels() * spec.channels();
            x = device.normal(spec.storage(), count);
            for (int i = 0; i < count; i++) {
                x[i] += offset;
            }
            shift = device.normal(spec.storage(), spec.n() * spec.channels());
            gamma = device.normal(Storage.F32, spec.channels());
            beta = device.normal(Storage.F32, spec.channels());
            dy = device.normal(spec.storage(), count);
            if (!shifted) {
                java.util.Arrays.fill(shift, 0);
            }
            input =
                    new Input(
                            device.upload(spec.storage(), x),
                            shifted ? device.upload(spec.storage(), shift) : 0);
            affine =
                    new Affine(device.upload(Storage.F32, gamma), device.upload(Storage.F32, beta));
            y = new double[count];
            dx = new double[count];
            dgamma = new double[spec.channels()];
            dbeta = new double[spec.channels()];
            for (int n = 0; n < spec.n(); n++) {
                for (int g = 0; g < spec.groups(); g++) {
                    reference(n, g);
                }
            }
        }

        private void reference(int n, int g) {
            int width = spec.channels() / spec.groups();
            int size = spec.pixels() * width;
            double[] z = new double[size];
            double mean = 0;
            for (int i = 0; i < size; i++) {
                int channel = g * width + i % width;
                z[i] =
                        (double) x[index(n, i / width, channel)]
                                + shift[n * spec.channels() + channel];
                mean += z[i] / size;
            }
            double variance = 0;
            for (double v : z) {
                variance += (v - mean) * (v - mean) / size;
            }
            double rstd = 1 / Math.sqrt(variance + EPS);
            double[] slope = new double[size];
            double constant = 0;
            double linear = 0;
            for (int i = 0; i < size; i++) {
                int channel = g * width + i % width;
                int at = index(n, i / width, channel);
                double xhat = (z[i] - mean) * rstd;
                double u = xhat * gamma[channel] + beta[channel];
                boolean silu = spec.then() == Then.SILU;
                y[at] = silu ? Activations.value(Unary.SILU).applyAsDouble(u) : u;
                double d = dy[at] * (silu ? Activations.slope(Unary.SILU, u) : 1);
                dgamma[channel] += d * xhat;
                dbeta[channel] += d;
                slope[i] = d * gamma[channel];
                constant += slope[i] / size;
                linear += slope[i] * xhat / size;
            }
            for (int i = 0; i < size; i++) {
                double xhat = (z[i] - mean) * rstd;
                dx[index(n, i / width, g * width + i % width)] =
                        rstd * (slope[i] - constant - xhat * linear);
            }
        }

        private int index(int n, int pixel, int channel) {
            return (n * spec.pixels() + pixel) * spec.channels() + channel;
        }

        void check() {
            int c = spec.channels();
            long partial = device.empty(spec.partialBytes());
            long columns = device.empty(spec.columnsBytes());
            long stats = device.empty(spec.statsBytes());
            long yAddress = device.empty(spec.storage(), x.length);
            long dxAddress = device.empty(spec.storage(), x.length);
            Saved saved = new Saved(input, affine, stats, device.upload(spec.storage(), dy));
            device.run(GroupNormKernel.sums(spec, partial, input));
            device.run(GroupNormKernel.forward(spec, yAddress, stats, input, affine, partial));
            device.run(GroupNormKernel.backwardSums(spec, columns, partial, saved));
            device.run(GroupNormKernel.backward(spec, dxAddress, partial, saved));
            int chunks = spec.n() * spec.chunks();
            long dgammaAddress = device.empty(Storage.F32, c);
            long dbetaAddress = device.empty(Storage.F32, c);
            device.run(
                    ReduceKernel.chunks(
                            ReduceKernel.Partial.gamma(chunks, c), dgammaAddress, columns));
            device.run(
                    ReduceKernel.chunks(
                            ReduceKernel.Partial.beta(chunks, c), dbetaAddress, columns));
            // Values of a few units; the mean itself is rounded where it is far from 0.
            Close close = Close.f32(8 + offset / 16, ROUNDINGS);
            close.storedAs(spec.storage())
                    .check(spec + " y", y, device.read(spec.storage(), yAddress, x.length));
            // Groups of one or two elements have a wide 1/std, which multiplies every error.
            double rstd = spec.pixels() * (c / spec.groups()) < 3 ? 1 / Math.sqrt(EPS) : 4;
            new Close(close.absolute() * rstd, 0)
                    .storedAs(spec.storage())
                    .check(spec + " dx", dx, device.read(spec.storage(), dxAddress, x.length));
            // Sums over all pixels; their errors add up like the root of their number.
            Close sums = Close.f32(8 * Math.sqrt(spec.n() * spec.pixels()) + offset, ROUNDINGS);
            sums.check(spec + " dgamma", dgamma, device.read(Storage.F32, dgammaAddress, c));
            sums.check(spec + " dbeta", dbeta, device.read(Storage.F32, dbetaAddress, c));
            device.close();
        }

        void checkTraffic() {
            long bytes = (long) x.length * spec.storage().sizeBytes();
            long partial = device.empty(spec.partialBytes());
            long columns = device.empty(spec.columnsBytes());
            long stats = device.empty(spec.statsBytes());
            long result = device.empty(spec.storage(), x.length);
            Saved saved = new Saved(input, affine, stats, device.upload(spec.storage(), dy));
            device.runWithin(GroupNormKernel.sums(spec, partial, input), bytes);
            device.runWithin(
                    GroupNormKernel.forward(spec, result, stats, input, affine, partial),
                    2 * bytes);
            device.runWithin(
                    GroupNormKernel.backwardSums(spec, columns, partial, saved), 2 * bytes);
            device.runWithin(GroupNormKernel.backward(spec, result, partial, saved), 3 * bytes);
            device.close();
        }
    }
}
