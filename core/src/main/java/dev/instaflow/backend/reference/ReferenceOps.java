package dev.instaflow.backend.reference;

import static dev.instaflow.backend.reference.ReferenceBackend.values;

import dev.instaflow.backend.TensorScope;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.Shapes;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Each operation as its definition reads. */
final class ReferenceOps implements Ops {
    private final ReferenceBackend backend;
    private final TensorScope scope;

    ReferenceOps(ReferenceBackend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    ReferenceBackend backend() {
        return backend;
    }

    TensorScope scope() {
        return scope;
    }

    @Override
    public Scope openScope() {
        return scope.openInner();
    }

    private Tensor result(String name, Shape shape, double[] values) {
        scope.checkUsable();
        return scope.own(backend.adopt(name, shape, values));
    }

    private static double[] zeros(Shape shape) {
        return new double[Math.toIntExact(shape.count())];
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        double[] copy = zeros(Shapes.values(name, shape, values));
        for (int i = 0; i < copy.length; i++) {
            copy[i] = values[i];
        }
        return result(name, shape, copy);
    }

    @Override
    public float[] toArray(Tensor x) {
        double[] in = values(x);
        float[] out = new float[in.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) in[i];
        }
        return out;
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        scope.checkUsable();
        return scope.own(x.view(shape));
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Shape shape = Shapes.conv2d(spec, x, weight, bias);
        double[] out = zeros(shape);
        double[] b = values(bias);
        double[] taps = byTap(weight);
        int co = shape.intSize(3);
        int height = shape.intSize(1);
        int width = shape.intSize(2);
        int pixels = height * width;
        for (int p = 0; p < shape.intSize(0) * pixels; p++) {
            int n = p / pixels;
            int oy = p % pixels / width;
            int ox = p % width;
            convolvePixel(spec, x, taps, new int[] {n, oy, ox}, out, p * co);
            for (int c = 0; c < co; c++) {
                out[p * co + c] += b[c];
            }
        }
        return result("conv2d " + weight.name(), shape, out);
    }

    /** The kernel as [K,K,Co,Ci], so that the innermost loop runs over neighbours. */
    private static double[] byTap(Tensor weight) {
        double[] w = values(weight);
        int taps = weight.shape().intSize(2) * weight.shape().intSize(3);
        int rows = w.length / taps;
        double[] out = new double[w.length];
        for (int i = 0; i < w.length; i++) {
            out[i % taps * rows + i / taps] = w[i];
        }
        return out;
    }

    /** Adds the sums over kernel and input channels for one output pixel {@code at = n, y, x}. */
    private static void convolvePixel(
            ConvSpec spec, Tensor x, double[] taps, int[] at, double[] out, int outAt) {
        double[] in = values(x);
        int height = x.shape().intSize(1);
        int width = x.shape().intSize(2);
        int ci = x.shape().intSize(3);
        int k = spec.kernel();
        int co = taps.length / (k * k * ci);
        for (int tap = 0; tap < k * k; tap++) {
            int y = at[1] * spec.stride() - spec.top() + tap / k;
            int column = at[2] * spec.stride() - spec.left() + tap % k;
            if (y < 0 || y >= height || column < 0 || column >= width) {
                continue;
            }
            int from = ((at[0] * height + y) * width + column) * ci;
            for (int o = 0; o < co; o++) {
                out[outAt + o] += dot(in, from, taps, (tap * co + o) * ci, ci);
            }
        }
    }

    static double dot(double[] a, int aFrom, double[] b, int bFrom, int length) {
        double sum = 0;
        for (int i = 0; i < length; i++) {
            sum += a[aFrom + i] * b[bFrom + i];
        }
        return sum;
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        Shape shape = Shapes.linear(x, weight);
        return result("linear " + weight.name(), shape, product(x, weight, shape));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        Shape shape = Shapes.linear(x, weight);
        double[] out = product(x, weight, shape);
        double[] b = values(bias);
        for (int i = 0; i < out.length; i++) {
            out[i] += b[i % b.length];
        }
        return result("linear " + weight.name(), shape, out);
    }

    private static double[] product(Tensor x, Tensor weight, Shape shape) {
        double[] out = zeros(shape);
        double[] a = values(x);
        double[] w = values(weight);
        int outs = weight.shape().intSize(0);
        int ins = weight.shape().intSize(1);
        for (int i = 0; i < out.length; i++) {
            int row = i / outs * ins;
            int column = i % outs * ins;
            out[i] = dot(a, row, w, column, ins);
        }
        return out;
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        Shape shape = Shapes.groupNorm(spec, x, gamma, beta);
        int c = shape.intSize(-1);
        int perGroup = c / spec.groups();
        int positions = Math.toIntExact(shape.count() / shape.size(0) / c);
        double[] out = zeros(shape);
        int[] members = new int[positions * perGroup];
        for (int n = 0; n < shape.size(0); n++) {
            for (int g = 0; g < spec.groups(); g++) {
                for (int i = 0; i < members.length; i++) {
                    int position = n * positions + i / perGroup;
                    members[i] = position * c + g * perGroup + i % perGroup;
                }
                normalise(values(x), members, spec.eps(), out);
            }
        }
        scaleAndShift(out, gamma, beta);
        apply(spec.then(), out);
        return result("groupNorm " + gamma.name(), shape, out);
    }

    /** Mean first, then centred squares, over the given elements. */
    private static void normalise(double[] in, int[] members, double eps, double[] out) {
        double sum = 0;
        for (int i : members) {
            sum += in[i];
        }
        double mean = sum / members.length;
        double squares = 0;
        for (int i : members) {
            squares += (in[i] - mean) * (in[i] - mean);
        }
        double scale = 1 / Math.sqrt(squares / members.length + eps);
        for (int i : members) {
            out[i] = (in[i] - mean) * scale;
        }
    }

    private static void scaleAndShift(double[] values, Tensor gamma, Tensor beta) {
        double[] g = values(gamma);
        double[] b = values(beta);
        for (int i = 0; i < values.length; i++) {
            values[i] = values[i] * g[i % g.length] + b[i % b.length];
        }
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        Shape shape = Shapes.layerNorm(x, gamma, beta);
        int c = shape.intSize(-1);
        double[] out = zeros(shape);
        int[] members = new int[c];
        for (int row = 0; row < out.length; row += c) {
            int from = row;
            Arrays.setAll(members, i -> from + i);
            normalise(values(x), members, eps, out);
        }
        scaleAndShift(out, gamma, beta);
        return result("layerNorm " + gamma.name(), shape, out);
    }

    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        Shape shape = Shapes.attention(spec, q, k, v);
        int heads = spec.heads();
        int tokens = shape.intSize(1);
        double[] out = zeros(shape);
        for (int n = 0; n < shape.size(0); n++) {
            for (int t = 0; t < tokens; t++) {
                for (int head = 0; head < heads; head++) {
                    attend(spec, q, k, v, new int[] {n, t, head}, out);
                }
            }
        }
        return result("attention", shape, out);
    }

    /** One query of one head: {@code at = n, t, head}. */
    private static void attend(
            AttentionSpec spec, Tensor q, Tensor k, Tensor v, int[] at, double[] out) {
        int c = q.shape().intSize(2);
        int width = c / spec.heads();
        int keys = k.shape().intSize(1);
        int seen = spec.mask() == AttentionSpec.Mask.CAUSAL ? at[1] + 1 : keys;
        int query = (at[0] * q.shape().intSize(1) + at[1]) * c + at[2] * width;
        int firstKey = at[0] * keys * c + at[2] * width;
        double[] weights = new double[seen];
        for (int s = 0; s < seen; s++) {
            double product = dot(values(q), query, values(k), firstKey + s * c, width);
            weights[s] = product / Math.sqrt(width);
        }
        softmax(weights);
        double[] rows = values(v);
        for (int s = 0; s < seen; s++) {
            for (int d = 0; d < width; d++) {
                out[query + d] += weights[s] * rows[firstKey + s * c + d];
            }
        }
    }

    static void softmax(double[] values) {
        double max = Arrays.stream(values).max().orElse(0);
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.exp(values[i] - max);
            sum += values[i];
        }
        for (int i = 0; i < values.length; i++) {
            values[i] /= sum;
        }
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        double[] out = values(x).clone();
        apply(activation, out);
        return result(x.name(), x.shape(), out);
    }

    private static void apply(Activation activation, double[] values) {
        DoubleUnaryOperator f =
                switch (activation) {
                    case IDENTITY -> x -> x;
                    case SILU -> x -> x / (1 + Math.exp(-x));
                    case QUICK_GELU -> x -> x / (1 + Math.exp(-1.702 * x));
                    case GELU -> ReferenceOps::gelu;
                };
        for (int i = 0; i < values.length; i++) {
            values[i] = f.applyAsDouble(values[i]);
        }
    }

    static double gelu(double x) {
        return 0.5 * x * (1 + Erf.erf(x / Math.sqrt(2)));
    }

    @Override
    public Tensor geglu(Tensor x) {
        Shape shape = Shapes.geglu(x);
        int f = shape.intSize(-1);
        double[] in = values(x);
        double[] out = zeros(shape);
        for (int i = 0; i < out.length; i++) {
            int a = i / f * 2 * f + i % f;
            out[i] = in[a] * gelu(in[a + f]);
        }
        return result("geglu", shape, out);
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        Shape shape = Shapes.upsample(x, height, width);
        double[] in = values(x);
        double[] out = zeros(shape);
        int c = shape.intSize(3);
        for (int p = 0; p < out.length / c; p++) {
            long n = p / (height * width);
            long y = p / width % height * x.shape().size(1) / height;
            long column = p % width * x.shape().size(2) / width;
            long from = ((n * x.shape().size(1) + y) * x.shape().size(2) + column) * c;
            System.arraycopy(in, (int) from, out, p * c, c);
        }
        return result("upsample", shape, out);
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        Shape shape = Shapes.concat(-1, a, b);
        int ca = a.shape().intSize(-1);
        int cb = b.shape().intSize(-1);
        double[] out = zeros(shape);
        for (int row = 0; row < out.length / (ca + cb); row++) {
            System.arraycopy(values(a), row * ca, out, row * (ca + cb), ca);
            System.arraycopy(values(b), row * cb, out, row * (ca + cb) + ca, cb);
        }
        return result("concat", shape, out);
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(-1, x, from, to);
        int c = x.shape().intSize(-1);
        int kept = shape.intSize(-1);
        double[] out = zeros(shape);
        for (int row = 0; row < out.length / kept; row++) {
            System.arraycopy(values(x), row * c + (int) from, out, row * kept, kept);
        }
        return result(x.name(), shape, out);
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        Shape shape = Shapes.concat(0, a, b);
        double[] out = Arrays.copyOf(values(a), Math.toIntExact(shape.count()));
        System.arraycopy(values(b), 0, out, values(a).length, values(b).length);
        return result(a.name(), shape, out);
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(0, x, from, to);
        int sample = Math.toIntExact(x.shape().count() / x.shape().size(0));
        double[] out = Arrays.copyOfRange(values(x), (int) from * sample, (int) to * sample);
        return result(x.name(), shape, out);
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        Shape shape = Shapes.same("add", a, b);
        double[] out = values(a).clone();
        Arrays.setAll(out, i -> out[i] + values(b)[i]);
        return result("sum", shape, out);
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        Shape shape = Shapes.addPerChannel(x, perChannel);
        int c = shape.intSize(-1);
        int sample = Math.toIntExact(shape.count() / shape.size(0));
        double[] out = values(x).clone();
        Arrays.setAll(out, i -> out[i] + values(perChannel)[i / sample * c + i % c]);
        return result(x.name(), shape, out);
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        Shape shape = Shapes.addToEach(x, sample);
        double[] each = values(sample);
        double[] out = values(x).clone();
        Arrays.setAll(out, i -> out[i] + each[i % each.length]);
        return result(x.name(), shape, out);
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        Shape shape = Shapes.combine(coefficients, xs);
        int sample = Math.toIntExact(shape.count() / shape.size(0));
        double[] out = zeros(shape);
        for (int k = 0; k < xs.length; k++) {
            double[] in = values(xs[k]);
            float[] row = coefficients[k];
            for (int i = 0; i < out.length; i++) {
                out[i] += row[row.length == 1 ? 0 : i / sample] * in[i];
            }
        }
        return result(xs[0].name(), shape, out);
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        Shape shape = Shapes.same("multiply", a, b);
        double[] out = values(a).clone();
        Arrays.setAll(out, i -> out[i] * values(b)[i]);
        return result("product", shape, out);
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        Shape rows = Shapes.gatherRows(table, ids, shape);
        int e = table.shape().intSize(1);
        double[] out = zeros(rows);
        for (int i = 0; i < ids.length; i++) {
            System.arraycopy(values(table), ids[i] * e, out, i * e, e);
        }
        return result("rows of " + table.name(), rows, out);
    }

    @Override
    public boolean isFinite(Tensor x) {
        return Arrays.stream(values(x)).allMatch(Double::isFinite);
    }
}
