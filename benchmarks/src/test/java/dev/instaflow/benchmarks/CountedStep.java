package dev.instaflow.benchmarks;

import dev.instaflow.backend.cuda.CudaBackend;
import dev.instaflow.backend.cuda.CudaSettings;
import dev.instaflow.backend.cuda.Precision;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.standin.Ledger;
import dev.instaflow.standin.StandIn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * One InstaFlow step as the backend gives it to the driver and NVIDIA's libraries, counted by the stand-in, which computes nothing
 * meanwhile.
 *
 * @param stages text encoder, UNet, decoder
 */
record CountedStep(List<Stage> stages) {
    /** The search for algorithms, then the recording; what follows is what every later step is. */
    private static final int WARM_UP = 2;

    /**
     * One network.
     *
     * @param name for people
     * @param plain operations one by one
     * @param graph played back
     * @param work of the latter
     */
    record Stage(String name, Ledger plain, Ledger graph, List<LaunchWork> work) {}

    /** Counts the steps of a model; the stand-in counts only, and its libraries are loaded. */
    static CountedStep of(
            StandIn standIn, CudaSettings settings, Checkpoint checkpoint, ModelConfig config)
            throws IOException {
        StepInputs inputs = StepInputs.of(config);
        List<Stage> stages = new ArrayList<>();
        boolean f32 = settings.precision() == Precision.F32;
        LaunchWork.Arithmetic wide = f32 ? LaunchWork.Arithmetic.F32 : LaunchWork.Arithmetic.TF32;
        try (CudaBackend backend = CudaBackend.open(settings);
                StagedModel model = StagedModel.load(backend, checkpoint, config)) {
            StagedModel plain = model.watched();
            float[] context = model.text(inputs.ids());
            float[] velocity = model.velocity(inputs, context);
            stages.add(
                    stage(
                            standIn,
                            "text",
                            wide,
                            () -> plain.text(inputs.ids()),
                            () -> model.text(inputs.ids())));
            stages.add(
                    stage(
                            standIn,
                            "UNet",
                            wide,
                            () -> plain.velocity(inputs, context),
                            () -> model.velocity(inputs, context)));
            stages.add(
                    stage(
                            standIn,
                            "VAE",
                            wide,
                            () -> plain.decode(inputs.shape(), velocity),
                            () -> model.decode(inputs.shape(), velocity)));
        }
        return new CountedStep(stages);
    }

    private static Stage stage(
            StandIn standIn,
            String name,
            LaunchWork.Arithmetic wide,
            Runnable plain,
            Runnable graph) {
        Ledger oneByOne = counted(standIn, plain);
        Ledger played = counted(standIn, graph);
        return new Stage(name, oneByOne, played, LaunchWork.of(played, wide));
    }

    private static Ledger counted(StandIn standIn, Runnable run) {
        for (int i = 0; i < WARM_UP; i++) {
            run.run();
        }
        standIn.clearLedger();
        run.run();
        return standIn.ledger();
    }
}
