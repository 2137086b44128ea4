package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.Device;
import dev.instaflow.backend.cuda.CudaTimer;
import dev.instaflow.backend.cuda.CudaTimer.Measure;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.tensor.Shape;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One InstaFlow step on a GPU, network by network, against what the GPU reaches at best: {@code CudaOneStep
 * CHECKPOINT [REPEATS]}, the checkpoint being a file or {@code emoji}. Prints a table.
 *
 * <p>Times are the GPU's own, the best of the repeats: once with the operations of a network given one by one,
 * once played back as a graph. The lower bound is the time that the multiplications take at the measured rate of
 * a matrix product, or that the weights take to be read once, whichever is longer; a step that reaches it
 * would leave nothing to be gained.
 */
public final class CudaOneStep {
    private static final int DEFAULT_REPEATS = 20;

    /** Plainly the first time, recorded the second. */
    private static final int WARM_UP = 3;

    private static final double TERA = 1e-12;
    private static final double GIGA = 1e-9;
    private static final double MILLIS = 1e3;

    private final CudaTimer timer;
    private final GpuPeaks peaks;
    private final GpuPeaks wide;
    private final int repeats;
    private final MarkdownTable table =
            new MarkdownTable(
                    List.of(
                            "stage",
                            "one by one, ms",
                            "as a graph, ms",
                            "calls one by one",
                            "calls with the graph",
                            "TFLOP",
                            "TFLOP/s",
                            "lower bound, ms",
                            "share of it"));

    private double plainSeconds;
    private double graphSeconds;
    private double boundSeconds;

    private CudaOneStep(CudaTimer timer, GpuPeaks peaks, GpuPeaks wide, int repeats) {
        this.timer = timer;
        this.peaks = peaks;
        this.wide = wide;
        this.repeats = repeats;
    }

    /**
     * Measures and prints.
     *
     * @param args the checkpoint, then optionally how often each stage is repeated
     * @throws IOException if the file cannot be read
     */
    public static void main(String... args) throws IOException {
        BenchmarkModel file = BenchmarkModel.named(args[0]);
        int repeats = args.length > 1 ? Integer.parseInt(args[1]) : DEFAULT_REPEATS;
        StepInputs inputs = StepInputs.of(file.config());
        StageFlops flops = StageFlops.of(file, inputs);
        Device device = Device.named("cuda");
        try (Backend backend = device.open();
                CudaTimer timer = CudaTimer.of(backend)) {
            System.out.println(backend.description() + "; " + Machine.describe());
            GpuPeaks peaks = peaks("Text encoder and UNet", backend, timer);
            GpuPeaks wide = peaks("VAE, wide range", backend.wideRange(), timer);
            System.out.println();
            CudaOneStep step = new CudaOneStep(timer, peaks, wide, repeats);
            try (StagedModel model = file.load(backend)) {
                System.out.print(step.stages(file, model, inputs, flops));
            }
        }
    }

    private static GpuPeaks peaks(String what, Backend backend, CudaTimer timer)
            throws IOException {
        GpuPeaks peaks = GpuPeaks.measure(backend, timer);
        System.out.printf(
                Locale.ROOT,
                "%s at best: matrix product %.1f TFLOP/s, convolution %.1f TFLOP/s, memory %.0f GB/s%n",
                what,
                peaks.product() * TERA,
                peaks.convolution() * TERA,
                peaks.bandwidth() * GIGA);
        return peaks;
    }

    private MarkdownTable stages(
            BenchmarkModel file, StagedModel model, StepInputs inputs, StageFlops flops) {
        ModelConfig config = file.config();
        StagedModel plain = model.watched();
        float[] context = model.text(inputs.ids());
        float[] latent = inputs.latent(model.velocity(inputs, context), file.latentScale());
        row(
                "text",
                flops.text(),
                peaks.seconds(
                        flops.text(), parameters(ClipTextModel.parameters(config.text()), "")),
                () -> plain.text(inputs.ids()),
                () -> model.text(inputs.ids()));
        row(
                "UNet",
                flops.unet(),
                peaks.seconds(flops.unet(), parameters(UNet.parameters(config.unet()), "")),
                () -> plain.velocity(inputs, context),
                () -> model.velocity(inputs, context));
        row(
                "VAE",
                flops.vae(),
                wide.seconds(
                        flops.vae(),
                        parameters(AutoencoderKl.parameters(config.vae()), "encoder.")),
                () -> plain.decode(inputs.shape(), latent),
                () -> model.decode(inputs.shape(), latent));
        return table.row(
                "step",
                List.of(
                        millis(plainSeconds),
                        millis(graphSeconds),
                        "",
                        "",
                        tera(flops.step()),
                        tera(flops.step() / graphSeconds),
                        millis(boundSeconds),
                        share(boundSeconds / graphSeconds)));
    }

    private static long parameters(Map<String, Shape> shapes, String leftOut) {
        return shapes.entrySet().stream()
                .filter(entry -> leftOut.isEmpty() || !entry.getKey().contains(leftOut))
                .mapToLong(entry -> entry.getValue().count())
                .sum();
    }

    private void row(String stage, double flops, double bound, Runnable plain, Runnable asGraph) {
        Measure oneByOne = best(plain);
        Measure graph = best(asGraph);
        plainSeconds += oneByOne.seconds();
        graphSeconds += graph.seconds();
        boundSeconds += bound;
        table.row(
                stage,
                List.of(
                        millis(oneByOne.seconds()),
                        millis(graph.seconds()),
                        Long.toString(oneByOne.calls()),
                        Long.toString(graph.calls()),
                        tera(flops),
                        tera(flops / graph.seconds()),
                        millis(bound),
                        share(bound / graph.seconds())));
    }

    private Measure best(Runnable stage) {
        for (int i = 0; i < WARM_UP; i++) {
            stage.run();
        }
        Measure best = timer.measure(stage);
        for (int i = 1; i < repeats; i++) {
            Measure next = timer.measure(stage);
            best = next.seconds() < best.seconds() ? next : best;
        }
        return best;
    }

    private static String millis(double seconds) {
        return String.format(Locale.ROOT, "%.2f", seconds * MILLIS);
    }

    private static String tera(double value) {
        return String.format(Locale.ROOT, "%.2f", value * TERA);
    }

    private static String share(double value) {
        return String.format(Locale.ROOT, "%.0f%%", value * 100);
    }
}
