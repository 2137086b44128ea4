package dev.instaflow.benchmarks;

import dev.instaflow.ops.ConvSpec;
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

/** The 3x3 convolutions with bias that a step at 512x512 spends most of its time in. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 4, time = 2)
public class Conv2dBenchmark {
    private static final ConvSpec SPEC = ConvSpec.SAME_3X3;

    /** What computes. */
    @Param("cpu")
    public String engine;

    /** Input channels, output channels, side: of the UNet, then of the VAE's decoder. */
    @Param({
        "320,320,64",
        "960,320,64",
        "640,640,32",
        "1280,1280,16",
        "1280,1280,8",
        "512,512,64",
        "512,512,128",
        "256,256,256",
        "128,128,512"
    })
    public String shape;

    private OpFixture fixture;
    private OpFixture.Input x;
    private OpFixture.Input weight;
    private OpFixture.Input bias;
    private int ci;
    private int co;
    private int side;

    /** Makes the inputs and checks the result at some pixels. */
    @Setup
    public void open() {
        int[] sizes = Sizes.parse(shape);
        ci = sizes[0];
        co = sizes[1];
        side = sizes[2];
        fixture = new OpFixture(engine);
        x = fixture.input(1, side, side, ci);
        WeightForm form = new WeightForm.Conv(SPEC, side, side);
        weight = fixture.weight(form, 1 / Math.sqrt(ConvSample.TAPS * ci), co, ci, 3, 3);
        bias = fixture.weight(WeightForm.PLAIN, 1, co);
        float[] y = fixture.ops().toArray(convolve());
        new ConvSample(weight.values(), bias.values(), ci, co, side)
                .check(y, (row, column) -> (row * side + column) * ci, x.values());
    }

    private Tensor convolve() {
        return fixture.ops().conv2d(SPEC, x.tensor(), weight.tensor(), bias.tensor());
    }

    /** One convolution. */
    @Benchmark
    public Tensor conv2d(Work work) {
        double pixels = (double) side * side;
        work.add(
                2 * pixels * ConvSample.TAPS * ci * co,
                pixels * (ci + co) + (double) ConvSample.TAPS * ci * co);
        return fixture.inScope(ops -> ops.conv2d(SPEC, x.tensor(), weight.tensor(), bias.tensor()));
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        fixture.close();
    }
}
