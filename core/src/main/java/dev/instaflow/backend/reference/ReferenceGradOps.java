package dev.instaflow.backend.reference;

import static dev.instaflow.backend.reference.ReferenceBackend.values;

import dev.instaflow.backend.TensorScope;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionGradients;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormGradients;
import dev.instaflow.ops.Shapes;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/** Each gradient as the chain rule reads, checked against central differences. */
final class ReferenceGradOps implements GradOps {
    private static final double INV_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);

    private final ReferenceBackend backend;
    private final TensorScope scope;

    ReferenceGradOps(ReferenceBackend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    private Tensor result(String name, Shape shape, double[] values) {
        scope.checkUsable();
        return scope.own(backend.adopt("gradient of " + name, shape, values));
    }

    private static double[] zeros(Shape shape) {
        return new double[Math.toIntExact(shape.count())];
    }

    /** Where an input pixel meets an output pixel under one element of the kernel. */
    private interface Meeting {
        void at(int inPixel, int outPixel, int tap);
    }

    private static void meetings(ConvSpec spec, Shape x, Shape y, Meeting meeting) {
        int height = x.intSize(1);
        int width = x.intSize(2);
        int outWidth = y.intSize(2);
        int outPixels = y.intSize(1) * outWidth;
        int k = spec.kernel();
        for (int out = 0; out < y.intSize(0) * outPixels; out++) {
            for (int tap = 0; tap < k * k; tap++) {
                int row = out % outPixels / outWidth * spec.stride() - spec.top() + tap / k;
                int column = out % outWidth * spec.stride() - spec.left() + tap % k;
                if (row >= 0 && row < height && column >= 0 && column < width) {
                    meeting.at((out / outPixels * height + row) * width + column, out, tap);
                }
            }
        }
    }

    @Override
    public Tensor conv2dInput(ConvSpec spec, Shape x, Tensor weight, Tensor dy) {
        double[] dx = zeros(Shapes.conv2dInput(spec, x, weight, dy));
        double[] w = values(weight);
        double[] d = values(dy);
        int ci = x.intSize(3);
        int co = dy.shape().intSize(3);
        int taps = spec.kernel() * spec.kernel();
        meetings(
                spec,
                x,
                dy.shape(),
                (in, out, tap) -> {
                    for (int o = 0; o < co; o++) {
                        for (int i = 0; i < ci; i++) {
                            dx[in * ci + i] += d[out * co + o] * w[(o * ci + i) * taps + tap];
                        }
                    }
                });
        return result(weight.name() + " input", x, dx);
    }

    @Override
    public Tensor conv2dWeight(ConvSpec spec, Tensor x, Tensor dy) {
        Shape shape = Shapes.conv2dWeight(spec, x, dy);
        double[] dw = zeros(shape);
        double[] in = values(x);
        double[] d = values(dy);
        int ci = shape.intSize(1);
        int co = shape.intSize(0);
        int taps = spec.kernel() * spec.kernel();
        meetings(
                spec,
                x.shape(),
                dy.shape(),
                (inPixel, out, tap) -> {
                    for (int o = 0; o < co; o++) {
                        for (int i = 0; i < ci; i++) {
                            dw[(o * ci + i) * taps + tap] += d[out * co + o] * in[inPixel * ci + i];
                        }
                    }
                });
        return result("conv2d weight", shape, dw);
    }

    @Override
    public Tensor linearInput(Tensor weight, Tensor dy) {
        Shape shape = Shapes.linearInput(weight, dy);
        int ins = weight.shape().intSize(1);
        int outs = weight.shape().intSize(0);
        double[] dx = zeros(shape);
        double[] w = values(weight);
        double[] d = values(dy);
        for (int i = 0; i < d.length; i++) {
            for (int c = 0; c < ins; c++) {
                dx[i / outs * ins + c] += d[i] * w[i % outs * ins + c];
            }
        }
        return result(weight.name() + " input", shape, dx);
    }

    @Override
    public Tensor linearWeight(Tensor x, Tensor dy) {
        Shape shape = Shapes.linearWeight(x, dy);
        int ins = shape.intSize(1);
        int outs = shape.intSize(0);
        double[] dw = zeros(shape);
        double[] in = values(x);
        double[] d = values(dy);
        for (int i = 0; i < d.length; i++) {
            for (int c = 0; c < ins; c++) {
                dw[i % outs * ins + c] += d[i] * in[i / outs * ins + c];
            }
        }
        return result("linear weight", shape, dw);
    }

    @Override
    public Tensor channelSums(Tensor dy) {
        Shape shape = Shapes.channelSums(dy);
        double[] sums = zeros(shape);
        double[] d = values(dy);
        int c = shape.intSize(1);
        int sample = d.length / shape.intSize(0);
        for (int i = 0; i < d.length; i++) {
            sums[i / sample * c + i % c] += d[i];
        }
        return result("channels", shape, sums);
    }

    @Override
    public NormGradients groupNorm(
            GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta, Tensor dy) {
        Shape shape = Shapes.groupNorm(spec, x, gamma, beta);
        Shapes.gradient("groupNorm", shape, dy);
        int c = shape.intSize(-1);
        int perGroup = c / spec.groups();
        int positions = Math.toIntExact(shape.count() / shape.size(0) / c);
        Normalised sums = new Normalised(x, gamma, values(beta), spec.then(), spec.eps());
        for (int n = 0; n < shape.size(0); n++) {
            for (int g = 0; g < spec.groups(); g++) {
                int first = n * positions * c + g * perGroup;
                sums.add(
                        positions * perGroup,
                        i -> first + i / perGroup * c + i % perGroup,
                        values(dy));
            }
        }
        return sums.result("groupNorm " + gamma.name());
    }

    @Override
    public NormGradients layerNorm(Tensor x, Tensor gamma, float eps, Tensor dy) {
        Shape shape = Shapes.layerNorm(x, gamma, gamma);
        Shapes.gradient("layerNorm", shape, dy);
        int c = shape.intSize(-1);
        Normalised sums = new Normalised(x, gamma, new double[c], Activation.IDENTITY, eps);
        for (int row = 0; row < shape.count(); row += c) {
            int first = row;
            sums.add(c, i -> first + i, values(dy));
        }
        return sums.result("layerNorm " + gamma.name());
    }

    /** The gradients of {@code act(gamma * (x - mean) / sqrt(var + eps) + beta)}, set by set. */
    private final class Normalised {
        private final Tensor input;
        private final double[] x;
        private final double[] gamma;
        private final double[] beta;
        private final Activation then;
        private final double eps;
        private final double[] dx;
        private final double[] dgamma;
        private final double[] dbeta;

        Normalised(Tensor input, Tensor gamma, double[] beta, Activation then, double eps) {
            this.input = input;
            this.x = values(input);
            this.gamma = values(gamma);
            this.beta = beta;
            this.then = then;
            this.eps = eps;
            this.dx = new double[x.length];
            this.dgamma = new double[this.gamma.length];
            this.dbeta = new double[this.gamma.length];
        }

        /** One set of elements that share mean and variance. */
        void add(int count, IntUnaryOperator member, double[] dy) {
            double mean = 0;
            for (int i = 0; i < count; i++) {
                mean += x[member.applyAsInt(i)] / count;
            }
            double variance = 0;
            for (int i = 0; i < count; i++) {
                double distance = x[member.applyAsInt(i)] - mean;
                variance += distance * distance / count;
            }
            double scale = 1 / Math.sqrt(variance + eps);
            double meanG = 0;
            double meanGx = 0;
            for (int i = 0; i < count; i++) {
                int at = member.applyAsInt(i);
                int c = at % gamma.length;
                double normed = (x[at] - mean) * scale;
                double dz = dy[at] * slope(then, normed * gamma[c] + beta[c]);
                dgamma[c] += dz * normed;
                dbeta[c] += dz;
                dx[at] = dz * gamma[c];
                meanG += dx[at] / count;
                meanGx += dx[at] * normed / count;
            }
            for (int i = 0; i < count; i++) {
                int at = member.applyAsInt(i);
                dx[at] = scale * (dx[at] - meanG - (x[at] - mean) * scale * meanGx);
            }
        }

        NormGradients result(String name) {
            Shape channels = Shape.of(gamma.length);
            return new NormGradients(
                    ReferenceGradOps.this.result(name + " x", input.shape(), dx),
                    ReferenceGradOps.this.result(name + " gamma", channels, dgamma),
                    ReferenceGradOps.this.result(name + " beta", channels, dbeta));
        }
    }

    @Override
    public AttentionGradients attention(
            AttentionSpec spec, Tensor q, Tensor k, Tensor v, Tensor dy) {
        Shape shape = Shapes.gradient("attention", Shapes.attention(spec, q, k, v), dy);
        double[][] d = {zeros(shape), zeros(k.shape()), zeros(k.shape())};
        for (int n = 0; n < shape.size(0); n++) {
            for (int t = 0; t < shape.size(1); t++) {
                for (int head = 0; head < spec.heads(); head++) {
                    attend(spec, new Tensor[] {q, k, v, dy}, new int[] {n, t, head}, d);
                }
            }
        }
        return new AttentionGradients(
                result("queries", shape, d[0]),
                result("keys", k.shape(), d[1]),
                result("values", k.shape(), d[2]));
    }

    /** Adds what one query of one head ({@code at = n, t, head}) passes to q, k and v. */
    private static void attend(AttentionSpec spec, Tensor[] qkvd, int[] at, double[][] d) {
        double[] q = values(qkvd[0]);
        double[] k = values(qkvd[1]);
        double[] v = values(qkvd[2]);
        double[] dy = values(qkvd[3]);
        int c = qkvd[0].shape().intSize(2);
        int width = c / spec.heads();
        int keys = qkvd[1].shape().intSize(1);
        int seen = spec.mask() == AttentionSpec.Mask.CAUSAL ? at[1] + 1 : keys;
        int query = (at[0] * qkvd[0].shape().intSize(1) + at[1]) * c + at[2] * width;
        int firstKey = at[0] * keys * c + at[2] * width;
        double[] weights = new double[seen];
        double[] dWeights = new double[seen];
        for (int s = 0; s < seen; s++) {
            int row = firstKey + s * c;
            weights[s] = ReferenceOps.dot(q, query, k, row, width) / Math.sqrt(width);
            dWeights[s] = ReferenceOps.dot(dy, query, v, row, width);
        }
        ReferenceOps.softmax(weights);
        double mean = ReferenceOps.dot(weights, 0, dWeights, 0, seen);
        for (int s = 0; s < seen; s++) {
            double dScore = weights[s] * (dWeights[s] - mean) / Math.sqrt(width);
            for (int i = 0; i < width; i++) {
                int row = firstKey + s * c + i;
                d[0][query + i] += dScore * k[row];
                d[1][row] += dScore * q[query + i];
                d[2][row] += weights[s] * dy[query + i];
            }
        }
    }

    @Override
    public Tensor activation(Activation activation, Tensor x, Tensor dy) {
        Shape shape = Shapes.gradient("activation", x.shape(), dy);
        double[] dx = values(dy).clone();
        Arrays.setAll(dx, i -> dx[i] * slope(activation, values(x)[i]));
        return result(x.name(), shape, dx);
    }

    private static double slope(Activation activation, double x) {
        return switch (activation) {
            case IDENTITY -> 1;
            case SILU -> swishSlope(x, 1);
            case QUICK_GELU -> swishSlope(x, 1.702);
            case GELU ->
                    (1 + Erf.erf(x / Math.sqrt(2))) / 2 + x * INV_SQRT_2PI * Math.exp(-x * x / 2);
        };
    }

    private static double swishSlope(double x, double alpha) {
        double sigmoid = 1 / (1 + Math.exp(-alpha * x));
        return sigmoid * (1 + alpha * x * (1 - sigmoid));
    }

    @Override
    public Tensor geglu(Tensor x, Tensor dy) {
        Shapes.gradient("geglu", Shapes.geglu(x), dy);
        int f = dy.shape().intSize(-1);
        double[] in = values(x);
        double[] d = values(dy);
        double[] dx = zeros(x.shape());
        for (int i = 0; i < d.length; i++) {
            int a = i / f * 2 * f + i % f;
            dx[a] = d[i] * ReferenceOps.gelu(in[a + f]);
            dx[a + f] = d[i] * in[a] * slope(Activation.GELU, in[a + f]);
        }
        return result("geglu", x.shape(), dx);
    }

    @Override
    public Tensor upsampleNearest(Shape x, Tensor dy) {
        Shape y = dy.shape();
        double[] dx = zeros(Shapes.upsampleInput(x, dy));
        double[] d = values(dy);
        int c = x.intSize(3);
        for (int i = 0; i < d.length; i++) {
            long pixel = i / c;
            long row = pixel / y.size(2) % y.size(1) * x.size(1) / y.size(1);
            long column = pixel % y.size(2) * x.size(2) / y.size(2);
            long n = pixel / (y.size(1) * y.size(2));
            dx[(int) ((n * x.size(1) + row) * x.size(2) + column) * c + i % c] += d[i];
        }
        return result("upsample", x, dx);
    }

    @Override
    public Tensor gatherRows(Shape table, int[] ids, Tensor dy) {
        int e = table.intSize(1);
        double[] rows = zeros(Shapes.gatherRowsTable(table, ids, dy));
        double[] d = values(dy);
        for (int i = 0; i < d.length; i++) {
            rows[ids[i / e] * e + i % e] += d[i];
        }
        return result("rows", table, rows);
    }
}
