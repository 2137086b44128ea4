package dev.instaflow.benchmarks.onnx;

import ai.onnxruntime.OrtException;
import dev.instaflow.benchmarks.Work;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
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

/** The matrix products of {@code LinearBenchmark} on ONNX Runtime. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 4, time = 1)
public class OnnxLinearBenchmark {
    /** Rows, inputs, outputs. */
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

    private int rows;
    private int in;
    private int out;
    private OneNodeSession session;

    /**
     * Makes the model and checks the last row.
     *
     * @throws OrtException if the runtime refuses the model
     */
    @Setup
    public void open() throws OrtException {
        int[] sizes = Arrays.stream(shape.split(",")).mapToInt(Integer::parseInt).toArray();
        rows = sizes[0];
        in = sizes[1];
        out = sizes[2];
        Random random = new Random(1);
        float[] x = OnnxConv2dBenchmark.normals(random, rows * in, 1);
        float[] weight = OnnxConv2dBenchmark.normals(random, out * in, 1 / Math.sqrt(in));
        float[] bias = OnnxConv2dBenchmark.normals(random, out, 1);
        long[] xShape = {rows, in};
        long[] yShape = {rows, out};
        List<OneNodeModel.Constant> constants =
                List.of(
                        new OneNodeModel.Constant("w", new long[] {out, in}, weight),
                        new OneNodeModel.Constant("b", new long[] {out}, bias));
        byte[] model = OneNodeModel.gemm(xShape, constants, yShape);
        session = new OneNodeSession(model, xShape, x, yShape);
        FloatBuffer y = session.run();
        for (int c = 0; c < out; c++) {
            double expected = bias[c];
            for (int i = 0; i < in; i++) {
                expected += (double) weight[c * in + i] * x[(rows - 1) * in + i];
            }
            OnnxConv2dBenchmark.requireClose(y.get((rows - 1) * out + c), expected);
        }
    }

    /**
     * One product with bias.
     *
     * @param work counts
     * @return the result
     * @throws OrtException if it fails
     */
    @Benchmark
    public FloatBuffer linear(Work work) throws OrtException {
        double weights = (double) in * out;
        work.add(2 * rows * weights, weights + (double) rows * (in + out));
        return session.run();
    }

    /**
     * Frees everything.
     *
     * @throws OrtException if that fails
     */
    @TearDown
    public void close() throws OrtException {
        session.close();
    }
}
