package dev.instaflow.train.run;

import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Parameters;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import dev.instaflow.train.Tape;
import dev.instaflow.train.data.ExampleOrder;
import dev.instaflow.train.data.LatentData;
import dev.instaflow.train.data.TrainingData;
import dev.instaflow.train.objective.Examples;
import dev.instaflow.train.objective.Loss;
import dev.instaflow.train.objective.Problem;
import dev.instaflow.train.optim.Ema;
import dev.instaflow.train.optim.GradientClip;
import dev.instaflow.train.optim.Optimizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Makes training steps. What a step computes is determined by the settings, the data, the parameters, the
 * optimiser's state and the step's number, so a run that {@link Checkpoints} has restored goes on as if it
 * had never stopped. Not thread-safe.
 */
public final class Trainer {
    private final TrainingModel model;
    private final TrainingSettings settings;
    private final TrainingData data;
    private final int[] emptyCaption;
    private final Optimizer optimizer;
    private final Ema ema;
    private final ExampleOrder order;
    private final List<String> changes = new ArrayList<>();
    private Optional<RunDescription> description = Optional.empty();
    private long steps;

    /**
     * A run at its beginning.
     *
     * @param model what is trained; the caller closes it
     * @param settings what a step does
     * @param data what it sees
     * @param emptyCaption token ids of no caption
     * @param optimizer at its beginning
     */
    public Trainer(
            TrainingModel model,
            TrainingSettings settings,
            TrainingData data,
            int[] emptyCaption,
            Optimizer optimizer) {
        this.model = model;
        this.settings = settings;
        this.data = data;
        this.emptyCaption = emptyCaption.clone();
        this.optimizer = optimizer;
        this.ema = new Ema(settings.emaDecay(), model.parameters().list());
        this.order = data.order(settings.seed());
    }

    /**
     * One step: gradients of one or several passes, clipping, optimiser, average.
     *
     * @return what it did
     * @throws ArithmeticException if the gradient is not finite; nothing has been changed then
     */
    public StepReport step() {
        Parameters parameters = model.parameters();
        parameters.clearGradients();
        double loss = 0;
        for (int pass = 0; pass < settings.passes(); pass++) {
            loss += pass(steps * settings.passes() + pass) / settings.passes();
        }
        double norm = GradientClip.norm(parameters.list());
        if (!Double.isFinite(norm) || !Double.isFinite(loss)) {
            throw new ArithmeticException(
                    "step %d: loss %s, gradient norm %s; lower the learning rate or go back to the last checkpoint"
                            .formatted(steps + 1, loss, norm));
        }
        GradientClip.apply(parameters.list(), norm, settings.clipNorm());
        double rate = settings.learningRate().at(steps);
        optimizer.step(parameters.list(), rate);
        parameters.upload();
        ema.update(parameters.list());
        steps++;
        return new StepReport(steps, loss, norm, rate);
    }

    /** Adds the gradients of one batch, counted through all steps. */
    private double pass(long index) {
        int n = settings.batch();
        List<LatentData.Example> chosen = new ArrayList<>();
        for (int number : order.examples(index * n, n)) {
            chosen.add(data.example(number));
        }
        Problem problem =
                settings.objective()
                        .draw(
                                examples(chosen, index),
                                purpose -> RandomStream.of(settings.seed(), purpose, index));
        int[][] captions = captions(chosen, index);
        Shape sample = data.sample();
        Shape shape = Shape.of(n, sample.size(0), sample.size(1), sample.size(2));
        try (Tape tape = new Tape(model.backend(), settings.memory())) {
            tape.watch(model.parameters().tensors());
            Tensor state = tape.tensor("noisy latents", shape, problem.state());
            Tensor prediction = model.predict(tape, state, problem.labels(), captions);
            Loss.Result loss = settings.loss().of(tape, prediction, problem);
            tape.backward(loss.seeds());
            model.parameters().addGradients(tape, 1f / settings.passes());
            return loss.value();
        }
    }

    private Examples examples(List<LatentData.Example> chosen, long index) {
        int size = Math.toIntExact(data.sample().count());
        int n = chosen.size();
        float[] latents = new float[Math.multiplyExact(n, size)];
        boolean pairs = chosen.stream().anyMatch(example -> example.noise().isPresent());
        float[] noise = new float[0];
        if (pairs) { // those without a noise of their own get a fresh one
            noise = RandomStream.of(settings.seed(), Purpose.NOISE, index).normals(latents.length);
        }
        List<float[]> waypoints = new ArrayList<>();
        for (int k = 0; k < commonWaypoints(chosen); k++) {
            waypoints.add(new float[latents.length]);
        }
        for (int i = 0; i < n; i++) {
            LatentData.Example example = chosen.get(i);
            System.arraycopy(example.latent(), 0, latents, i * size, size);
            if (example.noise().isPresent()) {
                System.arraycopy(example.noise().get(), 0, noise, i * size, size);
            }
            for (int k = 0; k < waypoints.size(); k++) {
                System.arraycopy(example.waypoints().get(k), 0, waypoints.get(k), i * size, size);
            }
        }
        return new Examples(n, latents, pairs ? Optional.of(noise) : Optional.empty(), waypoints);
    }

    /** Those that all examples have; none where their paths were cut differently. */
    private static int commonWaypoints(List<LatentData.Example> chosen) {
        int first = chosen.get(0).waypoints().size();
        return chosen.stream().allMatch(e -> e.waypoints().size() == first) ? first : 0;
    }

    private int[][] captions(List<LatentData.Example> chosen, long index) {
        RandomStream random = RandomStream.of(settings.seed(), Purpose.CAPTION, index);
        int[][] ids = new int[chosen.size()][];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = settings.captions().draw(chosen.get(i).captions(), emptyCaption, random);
        }
        return ids;
    }

    /**
     * How many steps it has made, those before a restart included.
     *
     * @return at least 0
     */
    public long steps() {
        return steps;
    }

    TrainingModel model() {
        return model;
    }

    TrainingSettings settings() {
        return settings;
    }

    TrainingData data() {
        return data;
    }

    int[] emptyCaption() {
        return emptyCaption.clone();
    }

    /** Computed once: data and frozen weights are read whole for it. */
    RunDescription description() throws IOException {
        if (description.isEmpty()) {
            description = Optional.of(RunDescription.of(this));
        }
        return description.get();
    }

    /** Which settings were changed on purpose on the way, and when. */
    List<String> changes() {
        return Collections.unmodifiableList(changes);
    }

    Optimizer optimizer() {
        return optimizer;
    }

    Ema ema() {
        return ema;
    }

    /** Continues from restored parameters, optimiser and average. */
    void continueAfter(long madeSteps, List<String> madeChanges) {
        steps = madeSteps;
        changes.clear();
        changes.addAll(madeChanges);
        model.parameters().upload();
    }
}
