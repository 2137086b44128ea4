package dev.instaflow.benchmarks;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Tensor;
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

/** Twice the rows and columns, then a 3x3 convolution with bias: the UNet's and the VAE decoder's. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 4, time = 2)
public class UpsampleConvBenchmark {
    /** What computes. */
    @Param("cpu")
    public String engine;

    /** Channels, side before. */
    @Param({"1280,8", "1280,16", "640,32", "512,64", "512,128", "256,256"})
    public String shape;

    private OpFixture fixture;
    private OpFixture.Input x;
    private OpFixture.Input weight;
    private OpFixture.Input bias;
    private int c;
    private int side;

    /** Makes the inputs and checks the result at some pixels. */
    @Setup
    public void open() {
        int[] sizes = Sizes.parse(shape);
        c = sizes[0];
        side = sizes[1];
        fixture = new OpFixture(engine);
        x = fixture.input(1, side, side, c);
        WeightForm form = new WeightForm.UpsampledConv(side, side);
        weight = fixture.weight(form, 1 / Math.sqrt(ConvSample.TAPS * c), c, c, 3, 3);
        bias = fixture.weight(WeightForm.PLAIN, 1, c);
        float[] y = fixture.ops().toArray(compute(fixture.ops()));
        new ConvSample(weight.values(), bias.values(), c, c, 2 * side)
                .check(y, (row, column) -> (row / 2 * side + column / 2) * c, x.values());
    }

    private Tensor compute(Ops ops) {
        return ops.upsampleConv2d(x.tensor(), weight.tensor(), bias.tensor());
    }

    /** Both. */
    @Benchmark
    public Tensor upsampleConv(Work work) {
        double pixels = 4.0 * side * side;
        double weights = (double) ConvSample.TAPS * c * c;
        work.add(2 * pixels * weights, pixels * c * 5 / 4 + weights);
        return fixture.inScope(this::compute);
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        fixture.close();
    }
}
