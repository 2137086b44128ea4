package dev.instaflow.benchmarks;

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

/** The matrix products of the UNet's transformers and of the text encoder. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 4, time = 1)
public class LinearBenchmark {
    private static final int CHECKED_ROWS = 5;

    /** What computes. */
    @Param("cpu")
    public String engine;

    /** Rows, inputs, outputs: the UNet at side 64, 32 and 16, then the text encoder. */
    @Param({
        "4096,320,320",
        "4096,320,2560",
        "4096,1280,320",
        "1024,640,640",
        "1024,640,5120",
        "1024,2560,640",
        "256,1280,1280",
        "256,1280,10240",
        "256,5120,1280",
        "77,768,3072"
    })
    public String shape;

    private OpFixture fixture;
    private OpFixture.Input x;
    private OpFixture.Input weight;
    private OpFixture.Input bias;
    private int rows;
    private int in;
    private int out;

    /** Makes the inputs and checks the last rows of the result. */
    @Setup
    public void open() {
        int[] sizes = Sizes.parse(shape);
        rows = sizes[0];
        in = sizes[1];
        out = sizes[2];
        fixture = new OpFixture(engine);
        x = fixture.input(1, rows, in);
        weight = fixture.weight(WeightForm.LINEAR, 1 / Math.sqrt(in), out, in);
        bias = fixture.weight(WeightForm.PLAIN, 1, out);
        float[] y =
                fixture.ops()
                        .toArray(fixture.ops().linear(x.tensor(), weight.tensor(), bias.tensor()));
        OpFixture.check(
                Arrays.copyOfRange(y, (rows - CHECKED_ROWS) * out, rows * out),
                1e-4, // F32 sums of up to 5120 products of deviation 1/sqrt(their number)
                (ops, upload) ->
                        ops.linear(
                                ops.tensor("x", Shape.of(CHECKED_ROWS, in), lastRows()),
                                upload.weight(
                                        WeightForm.LINEAR, Shape.of(out, in), weight.values()),
                                upload.weight(WeightForm.PLAIN, Shape.of(out), bias.values())));
    }

    private float[] lastRows() {
        return Arrays.copyOfRange(x.values(), (rows - CHECKED_ROWS) * in, rows * in);
    }

    /** One product with bias. */
    @Benchmark
    public Tensor linear(Work work) {
        double weights = (double) in * out;
        work.add(2 * rows * weights, weights + (double) rows * (in + out));
        return fixture.inScope(ops -> ops.linear(x.tensor(), weight.tensor(), bias.tensor()));
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        fixture.close();
    }
}
