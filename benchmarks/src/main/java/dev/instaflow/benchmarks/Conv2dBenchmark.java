package dev.instaflow.benchmarks;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
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

/** The 3x3 convolutions that a step at 512x512 spends most of its time in. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 4, time = 2)
public class Conv2dBenchmark {
    private static final ConvSpec SPEC = ConvSpec.SAME_3X3;
    private static final int KERNEL = 3;
    private static final int TAPS = KERNEL * KERNEL;

    /** Pixels that are checked: the corners, where padding counts, and some between. */
    private static final int SAMPLES = 12;

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
        weight = fixture.weight(form, 1 / Math.sqrt(TAPS * ci), co, ci, KERNEL, KERNEL);
        bias = fixture.weight(WeightForm.PLAIN, 1, co);
        float[] y = fixture.ops().toArray(convolve());
        for (int i = 0; i < SAMPLES; i++) {
            checkPixel(y, i * (side - 1) / (SAMPLES - 1), (i % 2) * (side - 1));
        }
    }

    private Tensor convolve() {
        return fixture.ops().conv2d(SPEC, x.tensor(), weight.tensor(), bias.tensor());
    }

    /** Repeats one pixel as a convolution of its padded 3x3 neighbourhood. */
    private void checkPixel(float[] y, int row, int column) {
        float[] near = new float[TAPS * ci];
        for (int tap = 0; tap < TAPS; tap++) {
            int r = row + tap / KERNEL - 1;
            int c = column + tap % KERNEL - 1;
            if (r >= 0 && r < side && c >= 0 && c < side) {
                System.arraycopy(x.values(), (r * side + c) * ci, near, tap * ci, ci);
            }
        }
        float[] actual = new float[co];
        System.arraycopy(y, (row * side + column) * co, actual, 0, co);
        ConvSpec inner = new ConvSpec(KERNEL, 1, 0, 0, 0, 0);
        OpFixture.check(
                actual,
                1e-4, // F32 sums of up to 9 * 1280 products of deviation 1/sqrt(their number)
                (ops, upload) ->
                        ops.conv2d(
                                inner,
                                ops.tensor("x", Shape.of(1, KERNEL, KERNEL, ci), near),
                                upload.weight(
                                        new WeightForm.Conv(inner, KERNEL, KERNEL),
                                        Shape.of(co, ci, KERNEL, KERNEL),
                                        weight.values()),
                                upload.weight(WeightForm.PLAIN, Shape.of(co), bias.values())));
    }

    /** One convolution. */
    @Benchmark
    public Tensor conv2d(Work work) {
        double pixels = (double) side * side;
        work.add(2 * pixels * TAPS * ci * co, pixels * (ci + co) + (double) TAPS * ci * co);
        return fixture.inScope(ops -> ops.conv2d(SPEC, x.tensor(), weight.tensor(), bias.tensor()));
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        fixture.close();
    }
}
