package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class FlopOpsTest {
    private final FlopBackend counter = new FlopBackend();

    private double count(Consumer<Ops> work) {
        try (Scope scope = counter.openScope("test")) {
            work.accept(scope.ops());
        }
        return counter.take();
    }

    private static Tensor zeros(Ops ops, long... sizes) {
        Shape shape = Shape.of(sizes);
        return ops.tensor("x", shape, new float[(int) shape.count()]);
    }

    private Tensor weight(long... sizes) {
        return counter.upload("w", WeightForm.PLAIN, Shape.of(sizes), FloatSource.of());
    }

    @Test
    void aConvolutionTakesAProductATapAndChannel() {
        // 2x3 results of 5 channels (stride 2 over 4x6), each the sum of 9 taps of 7 channels
        assertEquals(
                2.0 * 2 * 3 * 5 * 9 * 7,
                count(
                        ops ->
                                ops.conv2d(
                                        ConvSpec.DOWN_SYMMETRIC,
                                        zeros(ops, 1, 4, 6, 7),
                                        weight(5, 7, 3, 3),
                                        weight(5))));
    }

    @Test
    void aLinearLayerTakesAProductAnInput() {
        assertEquals(
                2.0 * 2 * 3 * 5 * 7,
                count(ops -> ops.linear(zeros(ops, 2, 3, 7), weight(5, 7), weight(5))));
    }

    @Test
    void fusedOperationsCountAsTheirParts() {
        assertEquals(
                2.0 * 3 * 10 * 7,
                count(ops -> ops.linearGeglu(zeros(ops, 3, 7), weight(10, 7), weight(10))));
    }

    @Test
    void attentionTakesTwoProductsAChannelForEachVisiblePair() {
        assertEquals(2.0 * 2 * 3 * 5 * 8, count(ops -> attend(ops, AttentionSpec.Mask.NONE, 3, 5)));
        // 1 + 2 + 3 visible pairs
        assertEquals(2.0 * 2 * 6 * 8, count(ops -> attend(ops, AttentionSpec.Mask.CAUSAL, 3, 3)));
    }

    private static void attend(Ops ops, AttentionSpec.Mask mask, long queries, long keys) {
        Tensor k = zeros(ops, 1, keys, 8);
        ops.attention(new AttentionSpec(2, mask), zeros(ops, 1, queries, 8), k, k);
    }

    @Test
    void aTextEncoderTakesWhatItsLayersDo() throws IOException {
        BenchmarkModel file = BenchmarkModel.named(BenchmarkModel.EMOJI);
        StageFlops flops = StageFlops.of(file, StepInputs.of(file.config()));
        ClipTextConfig config = file.config().text();
        double t = config.maxLength();
        double c = config.width();
        double projections = 4 * t * c * c;
        double feedForward = 2 * t * c * config.intermediate();
        double attention = 2 * c * t * (t + 1) / 2;
        assertEquals(2 * config.layers() * (projections + feedForward + attention), flops.text());
    }

    @Test
    void countsGrowWithTheBatch() throws IOException {
        BenchmarkModel file = BenchmarkModel.named(BenchmarkModel.EMOJI);
        int side = file.config().unet().sampleSize();
        StageFlops one = StageFlops.of(file, StepInputs.of(file.config(), 1, side));
        StageFlops three = StageFlops.of(file, StepInputs.of(file.config(), 3, side));
        assertEquals(3 * one.step(), three.step());
    }
}
