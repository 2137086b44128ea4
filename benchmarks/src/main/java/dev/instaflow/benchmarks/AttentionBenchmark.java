package dev.instaflow.benchmarks;

import dev.instaflow.ops.AttentionSpec;
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

/** Self-attention and cross-attention of the UNet, and the one attention of the VAE. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 4, time = 2)
public class AttentionBenchmark {
    private static final int CHECKED_QUERIES = 5;

    /** What computes. */
    @Param("cpu")
    public String engine;

    /** Heads, queries, keys, width of a head. */
    @Param({
        "8,4096,4096,40",
        "8,1024,1024,80",
        "8,256,256,160",
        "8,4096,77,40",
        "8,1024,77,80",
        "1,4096,4096,512"
    })
    public String shape;

    private OpFixture fixture;
    private AttentionSpec spec;
    private OpFixture.Input q;
    private OpFixture.Input k;
    private OpFixture.Input v;
    private int queries;
    private int keys;
    private int c;

    /** Makes the inputs and checks the last queries. */
    @Setup
    public void open() {
        int[] sizes = Sizes.parse(shape);
        spec = new AttentionSpec(sizes[0], AttentionSpec.Mask.NONE);
        queries = sizes[1];
        keys = sizes[2];
        c = sizes[0] * sizes[3];
        fixture = new OpFixture(engine);
        q = fixture.input(1, queries, c);
        k = fixture.input(1, keys, c);
        v = fixture.input(1, keys, c);
        float[] y =
                fixture.ops()
                        .toArray(fixture.ops().attention(spec, q.tensor(), k.tensor(), v.tensor()));
        int from = (queries - CHECKED_QUERIES) * c;
        float[] lastQueries = Arrays.copyOfRange(q.values(), from, queries * c);
        OpFixture.check(
                Arrays.copyOfRange(y, from, queries * c),
                2e-5, // convex combinations of unit normals
                (ops, upload) ->
                        ops.attention(
                                spec,
                                ops.tensor("q", Shape.of(1, CHECKED_QUERIES, c), lastQueries),
                                ops.tensor("k", Shape.of(1, keys, c), k.values()),
                                ops.tensor("v", Shape.of(1, keys, c), v.values())));
    }

    /** All heads once. */
    @Benchmark
    public Tensor attention(Work work) {
        work.add(4.0 * queries * keys * c, 2.0 * c * (queries + keys));
        return fixture.inScope(ops -> ops.attention(spec, q.tensor(), k.tensor(), v.tensor()));
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        fixture.close();
    }
}
