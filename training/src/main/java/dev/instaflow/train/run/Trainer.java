package dev.instaflow.train.run;

import dev.instaflow.train.Parameter;
import dev.instaflow.train.Parameters;
import dev.instaflow.train.data.TrainingData;
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
    private final Learner learner;
    private final StepSettings settings;
    private final Optimizer optimizer;
    private final Ema ema;
    private final List<String> changes = new ArrayList<>();
    private Optional<RunDescription> description = Optional.empty();
    private long steps;

    /**
     * A run of UNet and text encoder at its beginning.
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
        this(new LatentLearner(model, settings, data, emptyCaption), settings.ofStep(), optimizer);
    }

    /**
     * A run at its beginning.
     *
     * @param learner what is trained; the caller closes its model
     * @param settings what a step does
     * @param optimizer at its beginning
     */
    public Trainer(Learner learner, StepSettings settings, Optimizer optimizer) {
        this.learner = learner;
        this.settings = settings;
        this.optimizer = optimizer;
        this.ema = new Ema(settings.emaDecay(), learner.parameters().list());
    }

    /**
     * One step: gradients of one or several passes, clipping, optimiser, average.
     *
     * @return what it did
     * @throws ArithmeticException if the gradient is not finite; nothing has been changed then
     */
    public StepReport step() {
        Parameters parameters = learner.parameters();
        parameters.clearGradients();
        double loss = 0;
        for (int pass = 0; pass < settings.passes(); pass++) {
            long index = steps * settings.passes() + pass;
            loss += learner.pass(index, 1f / settings.passes()) / settings.passes();
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

    /**
     * Lets something be done with the averages in the place of the parameters, such as drawing what the finished
     * model would draw. The run goes on to the same bits.
     *
     * @param action must not train
     */
    public void withAverages(Runnable action) {
        List<float[]> values = new ArrayList<>();
        for (Parameter parameter : learner.parameters().list()) {
            values.add(parameter.values().clone());
            copy(ema.averages().get(parameter.name()), parameter.values());
        }
        learner.parameters().upload();
        try {
            action.run();
        } finally {
            int i = 0;
            for (Parameter parameter : learner.parameters().list()) {
                copy(values.get(i), parameter.values());
                i++;
            }
            learner.parameters().upload();
        }
    }

    private static void copy(float[] from, float[] to) {
        System.arraycopy(from, 0, to, 0, to.length);
    }

    /**
     * How many steps it has made, those before a restart included.
     *
     * @return at least 0
     */
    public long steps() {
        return steps;
    }

    Learner learner() {
        return learner;
    }

    StepSettings settings() {
        return settings;
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
        learner.parameters().upload();
    }
}
