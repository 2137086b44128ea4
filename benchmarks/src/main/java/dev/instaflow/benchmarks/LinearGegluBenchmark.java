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

/** The first half of the UNet's feed-forward layers: a matrix product, its bias and GEGLU. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 4, time = 1)
public class LinearGegluBenchmark {
    private static final int CHECKED_ROWS = 5;

    /** What computes. */
    @Param("cpu")
    public String engine;

    /** Rows, inputs, outputs of the product, at side 64, 32 and 16. */
    @Param({"4096,320,2560", "1024,640,5120", "256,1280,10240"})
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
        Tensor y = fixture.ops().linearGeglu(x.tensor(), weight.tensor(), bias.tensor());
        float[] values = fixture.ops().toArray(y);
        float[] lastRows = Arrays.copyOfRange(x.values(), (rows - CHECKED_ROWS) * in, rows * in);
        OpFixture.check(
                Arrays.copyOfRange(values, values.length - CHECKED_ROWS * out / 2, values.length),
                1e-4, // as of the product alone, times values of up to about 5 that are as exact
                (ops, upload) ->
                        ops.linearGeglu(
                                ops.tensor("x", Shape.of(CHECKED_ROWS, in), lastRows),
                                upload.weight(
                                        WeightForm.LINEAR, Shape.of(out, in), weight.values()),
                                upload.weight(WeightForm.PLAIN, Shape.of(out), bias.values())));
    }

    /** Product, bias and GEGLU. */
    @Benchmark
    public Tensor linearGeglu(Work work) {
        double weights = (double) in * out;
        work.add(2 * rows * weights, weights + (double) rows * (in + out / 2));
        return fixture.inScope(ops -> ops.linearGeglu(x.tensor(), weight.tensor(), bias.tensor()));
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        fixture.close();
    }
}
