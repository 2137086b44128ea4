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

/** The convolutions of {@code Conv2dBenchmark} on ONNX Runtime. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 4, time = 2)
public class OnnxConv2dBenchmark {
    private static final int TAPS = 9;

    /** Input channels, output channels, side. */
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

    private int ci;
    private int co;
    private int side;
    private OneNodeSession session;

    /**
     * Makes the model and checks the pixel in the middle.
     *
     * @throws OrtException if the runtime refuses the model
     */
    @Setup
    public void open() throws OrtException {
        int[] sizes = Arrays.stream(shape.split(",")).mapToInt(Integer::parseInt).toArray();
        ci = sizes[0];
        co = sizes[1];
        side = sizes[2];
        Random random = new Random(1);
        float[] x = normals(random, ci * side * side, 1);
        float[] weight = normals(random, co * ci * TAPS, 1 / Math.sqrt(TAPS * ci));
        float[] bias = normals(random, co, 1);
        long[] xShape = {1, ci, side, side};
        long[] yShape = {1, co, side, side};
        List<OneNodeModel.Constant> constants =
                List.of(
                        new OneNodeModel.Constant("w", new long[] {co, ci, 3, 3}, weight),
                        new OneNodeModel.Constant("b", new long[] {co}, bias));
        byte[] model = OneNodeModel.conv(xShape, constants, yShape);
        session = new OneNodeSession(model, xShape, x, yShape);
        FloatBuffer y = session.run();
        int middle = side / 2;
        for (int c = 0; c < co; c++) {
            double expected = bias[c];
            for (int i = 0; i < ci * TAPS; i++) {
                int row = i / TAPS * side + middle - 1 + i % TAPS / 3;
                expected += (double) weight[c * ci * TAPS + i] * x[row * side + middle - 1 + i % 3];
            }
            requireClose(y.get((c * side + middle) * side + middle), expected);
        }
    }

    static float[] normals(Random random, int count, double deviation) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    static void requireClose(float actual, double expected) {
        if (!(Math.abs(actual - expected) <= 1e-4)) { // as in Conv2dBenchmark
            throw new IllegalStateException(actual + ", expected " + expected);
        }
    }

    /**
     * One convolution.
     *
     * @param work counts
     * @return the result
     * @throws OrtException if it fails
     */
    @Benchmark
    public FloatBuffer conv2d(Work work) throws OrtException {
        double pixels = (double) side * side;
        work.add(2 * pixels * TAPS * ci * co, pixels * (ci + co) + (double) TAPS * ci * co);
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
