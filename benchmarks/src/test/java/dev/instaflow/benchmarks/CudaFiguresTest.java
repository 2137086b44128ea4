package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.instaflow.backend.Device;
import dev.instaflow.backend.cuda.CudaSettings;
import dev.instaflow.backend.cuda.Precision;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.model.ZeroModel;
import dev.instaflow.standin.Ledger;
import dev.instaflow.standin.StandIn;
import dev.instaflow.standin.StandInSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Counts a full-size step on the stand-in, and keeps the figures of {@code docs/cuda-backend.md} what they are said to be. */
class CudaFiguresTest {
    private static final CudaSettings F16 = CudaSettings.of(Precision.F16);
    private static final Map<String, CudaSettings> FULL_SIZE = new LinkedHashMap<>();

    static {
        FULL_SIZE.put("F16, VAE in F32 with TF32 products (the default)", F16);
        FULL_SIZE.put("F16, VAE in BF16", F16.withWideRange(Precision.BF16));
        FULL_SIZE.put("F32", CudaSettings.of(Precision.F32));
    }

    private static final String EMOJI = "bundled emoji model, F16";

    /** Sums of doubles in another order. */
    private static final double ROUNDING = 1e-9;

    private static final Map<String, CountedStep> STEPS = new LinkedHashMap<>();

    @BeforeAll
    static void count() throws IOException {
        StandIn standIn = StandIn.install(StandInSettings.dry());
        Device.named("cuda").open().close(); // loads JCuda over the stand-in
        for (Map.Entry<String, CudaSettings> each : FULL_SIZE.entrySet()) {
            STEPS.put(
                    each.getKey(),
                    CountedStep.of(standIn, each.getValue(), ZeroModel.open(), ModelConfig.sd15()));
        }
        BenchmarkModel emoji = BenchmarkModel.named(BenchmarkModel.EMOJI);
        try (Checkpoint checkpoint = CompVisView.of(Checkpoint.open(emoji.path()))) {
            STEPS.put(EMOJI, CountedStep.of(standIn, F16, checkpoint, emoji.config()));
        }
    }

    @Test
    void theProductsAreThoseThatTheNetworksShapesHave() throws IOException {
        StepInputs inputs = StepInputs.of(ModelConfig.sd15());
        for (String name : FULL_SIZE.keySet()) {
            try (FlopBackend counter = new FlopBackend();
                    StagedModel model =
                            StagedModel.load(counter, ZeroModel.open(), ModelConfig.sd15())) {
                float[] context = model.text(inputs.ids());
                requireFlops(counter.take(), name, 0);
                float[] velocity = model.velocity(inputs, context);
                requireFlops(counter.take(), name, 1);
                model.decode(inputs.shape(), velocity);
                requireFlops(counter.take(), name, 2);
            }
        }
    }

    private static void requireFlops(double expected, String name, int stage) {
        CountedStep.Stage counted = STEPS.get(name).stages().get(stage);
        double actual = counted.work().stream().mapToDouble(LaunchWork::flops).sum();
        assertEquals(expected, actual, ROUNDING * expected, name + ", " + counted.name());
    }

    @Test
    void aGraphExecutesWhatOperationsOneByOneDoInLessThanHalfTheCalls() {
        STEPS.forEach(
                (name, step) ->
                        step.stages()
                                .forEach(
                                        stage -> {
                                            assertEquals(
                                                    stage.plain().gemms(), stage.graph().gemms());
                                            assertEquals(
                                                    stage.plain().convolutions(),
                                                    stage.graph().convolutions());
                                            assertEquals(1, stage.graph().graphLaunches().size());
                                            assertTrue(
                                                    2 * calls(stage.graph()) < calls(stage.plain()),
                                                    name + ", " + stage.name());
                                        }));
    }

    @Test
    void theDocumentHasThePrediction() throws IOException {
        StringBuilder text = new StringBuilder("\n");
        MarkdownTable totals = Prediction.totalsTable();
        for (String name : FULL_SIZE.keySet()) {
            totals.row(name, new Prediction(STEPS.get(name)).totals());
        }
        text.append("Milliseconds of one step, 512x512:\n\n").append(totals).append('\n');
        for (String name : FULL_SIZE.keySet()) {
            text.append(name).append(":\n\n");
            text.append(new Prediction(STEPS.get(name)).byKind()).append('\n');
        }
        CudaDocument.check("prediction", text.toString());
    }

    @Test
    void theDocumentHasTheCallsOfAStep() throws IOException {
        MarkdownTable table =
                new MarkdownTable(
                        List.of(
                                "step",
                                "kernels of ours",
                                "products",
                                "convolutions",
                                "calls one by one",
                                "graph launches",
                                "calls with graphs"));
        STEPS.forEach(
                (name, step) -> {
                    for (CountedStep.Stage stage : step.stages()) {
                        table.row(name + ": " + stage.name(), cells(List.of(stage)));
                    }
                    table.row("**" + name + "**", cells(step.stages()));
                });
        CudaDocument.check("calls", "\n" + table + "\n");
    }

    private static List<String> cells(List<CountedStep.Stage> stages) {
        return List.of(
                sum(stages, stage -> stage.plain().kernels().size()),
                sum(stages, stage -> stage.plain().gemms().size()),
                sum(stages, stage -> stage.plain().convolutions().size()),
                sum(stages, stage -> calls(stage.plain())),
                sum(stages, stage -> stage.graph().graphLaunches().size()),
                sum(stages, stage -> calls(stage.graph())));
    }

    private static String sum(
            List<CountedStep.Stage> stages, ToLongFunction<CountedStep.Stage> what) {
        return String.valueOf(stages.stream().mapToLong(what).sum());
    }

    /** Without the setting of a thread's context before each. */
    private static long calls(Ledger ledger) {
        return ledger.totalCalls() - ledger.calls("cuCtxSetCurrent");
    }

    @Test
    void theDocumentHasTheKernels() throws IOException {
        Path report = Path.of("../kernels/target/kernel-report.txt");
        assumeTrue(Files.exists(report), "the tests of kernels have not run");
        List<String> lines = Files.readAllLines(report);
        assumeTrue(
                lines.stream().noneMatch(line -> line.endsWith("never launched")),
                "only some tests of kernels ran");
        String total =
                lines.stream()
                        .filter(line -> line.contains(" executed, "))
                        .findFirst()
                        .orElseThrow();
        CudaDocument.check("kernels", "\n" + total + ".\n\n" + KernelFigures.of(lines) + "\n");
    }
}
