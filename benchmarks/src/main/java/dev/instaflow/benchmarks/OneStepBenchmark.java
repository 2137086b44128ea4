package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.reference.ReferenceBackend;
import java.io.IOException;
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

/**
 * One InstaFlow step, end to end and by stage, of the bundled model; of a full-size one with {@code -p
 * model=FILE}. From token ids to pixels: without tokenizer and PNG.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class OneStepBenchmark {
    /** About 2 10^-6 of values of up to 10, through some 50 layers. */
    private static final double TOLERANCE = 1e-3;

    /** What computes. */
    @Param("cpu")
    public String engine;

    /** {@code emoji} or the path of a checkpoint of Stable Diffusion 1.x. */
    @Param(BenchmarkModel.EMOJI)
    public String model;

    private Backend backend;
    private StagedModel staged;
    private StepInputs inputs;
    private float latentScale;
    private float[] context;
    private float[] latent;

    /**
     * Loads the model, and checks the bundled one against plain loops; a full-size one is compared with
     * the peer by {@link FullSizeComparison}.
     *
     * @throws IOException if the file cannot be read
     */
    @Setup
    public void open() throws IOException {
        BenchmarkModel file = BenchmarkModel.named(model);
        inputs = StepInputs.of(file.config());
        latentScale = file.latentScale();
        backend = Engines.open(engine);
        staged = file.load(backend);
        context = staged.text(inputs.ids());
        float[] velocity = staged.velocity(inputs, context);
        latent = inputs.latent(velocity, latentScale);
        if (model.equals(BenchmarkModel.EMOJI)) {
            check(file, velocity);
        }
    }

    private void check(BenchmarkModel file, float[] velocity) throws IOException {
        try (ReferenceBackend reference = new ReferenceBackend(ReferenceBackend.Precision.F64);
                StagedModel expected = file.load(reference)) {
            Agreement.require(context, expected.text(inputs.ids()), TOLERANCE);
            Agreement.require(velocity, expected.velocity(inputs, context), TOLERANCE);
            Agreement.require(
                    staged.decode(inputs.shape(), latent),
                    expected.decode(inputs.shape(), latent),
                    TOLERANCE);
        }
    }

    /** Text encoder. */
    @Benchmark
    public float[] text() {
        return staged.text(inputs.ids());
    }

    /** One evaluation of the UNet. */
    @Benchmark
    public float[] unet() {
        return staged.velocity(inputs, context);
    }

    /** Decoder of the autoencoder. */
    @Benchmark
    public float[] vae() {
        return staged.decode(inputs.shape(), latent);
    }

    /** All three. */
    @Benchmark
    public float[] oneStep() {
        float[] velocity = staged.velocity(inputs, staged.text(inputs.ids()));
        return staged.decode(inputs.shape(), inputs.latent(velocity, latentScale));
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        staged.close();
        backend.close();
    }
}
