package dev.instaflow.benchmarks;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Group normalisation with SiLU, as it stands before nearly every convolution. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 4, time = 1)
public class GroupNormBenchmark {
    private static final int GROUPS = 32;
    private static final GroupNormSpec SPEC = spec(GROUPS);

    /** What computes. */
    @Param("cpu")
    public String engine;

    /** Channels, side. */
    @Param({"320,64", "640,32", "1280,16", "512,64", "512,128", "256,256", "128,512"})
    public String shape;

    private OpFixture fixture;
    private OpFixture.Input x;
    private OpFixture.Input gamma;
    private OpFixture.Input beta;
    private int c;
    private int pixels;

    private static GroupNormSpec spec(int groups) {
        return new GroupNormSpec(groups, 1e-6f, Activation.SILU);
    }

    /** Makes the inputs and checks the last group. */
    @Setup
    public void open() {
        int[] sizes = Sizes.parse(shape);
        c = sizes[0];
        int side = sizes[1];
        pixels = side * side;
        fixture = new OpFixture(engine);
        x = fixture.input(1, side, side, c);
        gamma = fixture.weight(WeightForm.PLAIN, 1, c);
        beta = fixture.weight(WeightForm.PLAIN, 1, c);
        float[] y =
                fixture.ops()
                        .toArray(
                                fixture.ops()
                                        .groupNorm(
                                                SPEC, x.tensor(), gamma.tensor(), beta.tensor()));
        int width = c / GROUPS;
        float[] lastGamma = Arrays.copyOfRange(gamma.values(), c - width, c);
        float[] lastBeta = Arrays.copyOfRange(beta.values(), c - width, c);
        OpFixture.check(
                lastGroup(y),
                1e-4, // gamma times values of up to about 5; statistics of F32 sums over 10^6
                (ops, upload) ->
                        ops.groupNorm(
                                spec(1),
                                ops.tensor("x", Shape.of(1, pixels, width), lastGroup(x.values())),
                                upload.weight(WeightForm.PLAIN, Shape.of(width), lastGamma),
                                upload.weight(WeightForm.PLAIN, Shape.of(width), lastBeta)));
    }

    private float[] lastGroup(float[] image) {
        int width = c / GROUPS;
        float[] group = new float[pixels * width];
        for (int p = 0; p < pixels; p++) {
            System.arraycopy(image, p * c + c - width, group, p * width, width);
        }
        return group;
    }

    /** Once over the image. */
    @Benchmark
    public Tensor groupNorm(Work work) {
        work.add(0, 2.0 * pixels * c);
        return fixture.inScope(
                ops -> ops.groupNorm(SPEC, x.tensor(), gamma.tensor(), beta.tensor()));
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        fixture.close();
    }
}
