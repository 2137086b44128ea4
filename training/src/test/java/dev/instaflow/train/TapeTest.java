package dev.instaflow.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A small network that uses every operation, some results more than once. */
class TapeTest {
    /** Step and error of central differences in F64: h^2 times a third derivative below 100. */
    private static final double STEP = 1e-5;

    private static final double TOLERANCE = 1e-7;

    /** The gradients of a weight that is used k times are summed in another order: k roundings. */
    private static final double ORDER = 1e-6;

    private static final int N = 2;
    private static final int C = 4;

    /** Inputs and weights, the same random values on each backend. */
    private static final class Net implements AutoCloseable {
        final TrainingBackend backend;
        final Map<String, Tensor> weights = new LinkedHashMap<>();
        final Random random = new Random(5);

        Net(TrainingBackend backend) throws IOException {
            this.backend = backend;
            WeightForm conv = new WeightForm.Conv(ConvSpec.SAME_3X3, 4, 4);
            add("conv", conv, C, C, 3, 3);
            add("gated", WeightForm.LINEAR, 2 * C, C);
            add("gatedBias", WeightForm.PLAIN, 2 * C);
            add("matrix", WeightForm.LINEAR, C, C);
            add("bias", WeightForm.PLAIN, C);
            add("gamma", WeightForm.PLAIN, C);
            add("beta", WeightForm.PLAIN, C);
            add("table", WeightForm.PLAIN, 5, C);
        }

        private void add(String name, WeightForm form, long... sizes) throws IOException {
            Shape shape = Shape.of(sizes);
            FloatSource values = FloatSource.of(normals(shape.count()));
            weights.put(name, backend.upload(name, form, shape, values));
        }

        float[] normals(long count) {
            float[] values = new float[Math.toIntExact(count)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            return values;
        }

        Tensor w(String name) {
            return weights.get(name);
        }

        /** [N,3,2,C] to [N+1,5,4,C]. */
        Tensor forward(Ops ops, Tensor x) {
            Tensor h = ops.block(inner -> residual(inner, x)); // [N,3,2,C]
            Tensor tokens = ops.view(h, Shape.of(N, 6, C));
            Tensor rows = ops.gatherRows(w("table"), new int[] {1, 3, 3, 0}, Shape.of(N, 2));
            Tensor text = ops.addToEach(rows, ops.sliceBatch(w("table"), 1, 3)); // [N,2,C]
            Tensor y = ops.block(inner -> attend(inner, tokens, text));
            Tensor image = ops.view(ops.add(y, tokens), x.shape());
            Tensor perChannel =
                    ops.view(ops.linear(ops.sliceBatch(w("table"), 0, N), w("matrix")), rowShape());
            Tensor shifted = ops.addPerChannel(image, perChannel);
            Tensor up = ops.upsampleNearest(shifted, 5, 4);
            Tensor mixed = ops.combine(new float[][] {{0.5f, -2}, {3}}, up, ops.multiply(up, up));
            return ops.concatBatch(ops.sliceBatch(mixed, 0, 1), mixed);
        }

        private static Shape rowShape() {
            return Shape.of(N, C);
        }

        private Tensor residual(Ops ops, Tensor x) {
            GroupNormSpec norm = new GroupNormSpec(2, 1e-5f, Activation.SILU);
            Tensor h = ops.groupNorm(norm, x, w("gamma"), w("beta"));
            h = ops.conv2d(ConvSpec.SAME_3X3, h, w("conv"), w("bias"));
            h = ops.concatChannels(ops.sliceChannels(h, 1, 3), ops.sliceChannels(x, 0, 2));
            return ops.conv2dAdd(ConvSpec.SAME_3X3, h, w("conv"), w("bias"), x);
        }

        private Tensor attend(Ops ops, Tensor tokens, Tensor text) {
            Tensor h = ops.layerNorm(tokens, w("gamma"), w("beta"), 1e-5f);
            AttentionSpec heads = new AttentionSpec(2, AttentionSpec.Mask.NONE);
            h = ops.attention(heads, ops.linear(h, w("matrix"), w("bias")), text, text);
            h = ops.activation(Activation.QUICK_GELU, ops.linear(h, w("matrix")));
            h = ops.linearGeglu(h, w("gated"), w("gatedBias"));
            return ops.linearAdd(h, w("matrix"), w("bias"), tokens);
        }

        @Override
        public void close() {
            weights.values().forEach(Tensor::close);
        }
    }

    private static Shape input() {
        return Shape.of(N, 3, 2, C);
    }

    @ParameterizedTest
    @EnumSource(Tape.Memory.class)
    void gradientsAreThoseOfCentralDifferences(Tape.Memory memory) throws IOException {
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
                Net net = new Net(backend);
                Tape tape = new Tape(backend, memory)) {
            Tensor x = tape.tensor("x", input(), net.normals(input().count()));
            List<Tensor> leaves = new ArrayList<>(net.weights.values());
            leaves.add(x);
            tape.watch(leaves);
            Tensor y = net.forward(tape, x);
            Tensor dy = tape.tensor("dy", y.shape(), net.normals(y.shape().count()));
            tape.backward(List.of(new Seed(y, dy)));
            for (Tensor leaf : leaves) {
                double[] gradient = ReferenceBackend.values(tape.gradient(leaf).orElseThrow());
                double[] values = ReferenceBackend.values(leaf);
                double scale = 1;
                for (double value : gradient) {
                    scale = Math.max(scale, Math.abs(value));
                }
                for (int i = 0; i < values.length; i++) {
                    double kept = values[i];
                    values[i] = kept + STEP;
                    double above = loss(backend, net, x, dy);
                    values[i] = kept - STEP;
                    double below = loss(backend, net, x, dy);
                    values[i] = kept;
                    double numeric = (above - below) / (2 * STEP);
                    assertEquals(numeric, gradient[i], TOLERANCE * scale, leaf + " at " + i);
                }
            }
        }
    }

    private static double loss(ReferenceBackend backend, Net net, Tensor x, Tensor dy) {
        try (Scope scope = backend.openScope("loss")) {
            double[] y = ReferenceBackend.values(net.forward(scope.ops(), x));
            double[] weights = ReferenceBackend.values(dy);
            double sum = 0;
            for (int i = 0; i < y.length; i++) {
                sum += y[i] * weights[i];
            }
            return sum;
        }
    }

    @Test
    void recomputedBlocksGiveTheSameButForTheOrderOfSums() throws IOException {
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                Net net = new Net(backend)) {
            float[] x = net.normals(input().count());
            List<float[]> kept = gradients(backend, net, x, Tape.Memory.KEEP);
            List<float[]> recomputed = gradients(backend, net, x, Tape.Memory.RECOMPUTE);
            for (int i = 0; i < kept.size(); i++) {
                double scale = 1;
                for (float value : kept.get(i)) {
                    scale = Math.max(scale, Math.abs(value));
                }
                TensorAssert.close("weight " + i, recomputed.get(i), kept.get(i), ORDER * scale);
            }
        }
    }

    private static List<float[]> gradients(
            TrainingBackend backend, Net net, float[] values, Tape.Memory memory) {
        try (Tape tape = new Tape(backend, memory)) {
            Tensor x = tape.tensor("x", input(), values);
            tape.watch(net.weights.values());
            Tensor y = net.forward(tape, x);
            tape.backward(List.of(new Seed(y, y)));
            List<float[]> all = new ArrayList<>();
            for (Tensor weight : net.weights.values()) {
                all.add(tape.toArray(tape.gradient(weight).orElseThrow()));
            }
            return all;
        }
    }

    @Test
    void onlyWhatIsWatchedGetsAGradient() throws IOException {
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                Net net = new Net(backend);
                Tape tape = new Tape(backend, Tape.Memory.KEEP)) {
            Tensor x = tape.tensor("x", input(), net.normals(input().count()));
            tape.watch(List.of(net.w("gamma")));
            Tensor y = net.forward(tape, x);
            tape.backward(List.of(new Seed(y, y)));
            assertTrue(tape.gradient(net.w("gamma")).isPresent());
            assertTrue(tape.gradient(net.w("conv")).isEmpty());
            assertTrue(tape.gradient(x).isEmpty());
        }
    }

    @ParameterizedTest
    @EnumSource(Tape.Memory.class)
    void whatIsFrozenCostsNoGradients(Tape.Memory memory) throws IOException {
        try (CpuBackend cpu = CpuBackend.open(CpuSettings.TRAINING)) {
            Map<String, Integer> calls = new TreeMap<>();
            TrainingBackend backend = CountedGradients.of(cpu, calls);
            try (Net net = new Net(backend);
                    Tape tape = new Tape(backend, memory)) {
                Tensor x = tape.tensor("x", input(), net.normals(input().count()));
                tape.watch(List.of(net.w("gatedBias")));
                Tensor y = net.forward(tape, x);
                tape.backward(List.of(new Seed(y, y)));
                assertTrue(tape.gradient(net.w("gatedBias")).isPresent());
            }
            // Back through the last matrix and the gate to the bias, and no further.
            Map<String, Integer> wanted =
                    Map.of("upsampleNearest", 1, "linearInput", 1, "geglu", 1, "channelSums", 1);
            assertEquals(wanted, calls);
        }
    }
}
