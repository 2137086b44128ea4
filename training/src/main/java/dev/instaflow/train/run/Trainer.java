package dev.instaflow.train.run;

import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Parameters;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import dev.instaflow.train.Tape;
import dev.instaflow.train.data.DataOrder;
import dev.instaflow.train.data.LatentData;
import dev.instaflow.train.objective.Examples;
import dev.instaflow.train.objective.Loss;
import dev.instaflow.train.objective.Problem;
import dev.instaflow.train.optim.Ema;
import dev.instaflow.train.optim.GradientClip;
import dev.instaflow.train.optim.Optimizer;
import java.util.Optional;

/**
 * Makes training steps. What a step computes is determined by the settings, the data, the parameters, the
 * optimiser's state and the step's number, so a run that {@link Checkpoints} has restored goes on as if it
 * had never stopped. Not thread-safe.
 */
public final class Trainer {
    private final TrainingModel model;
    private final TrainingSettings settings;
    private final LatentData data;
    private final int[] emptyCaption;
    private final Optimizer optimizer;
    private final Ema ema;
    private final DataOrder order;
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
            LatentData data,
            int[] emptyCaption,
            Optimizer optimizer) {
        this.model = model;
        this.settings = settings;
        this.data = data;
        this.emptyCaption = emptyCaption.clone();
        this.optimizer = optimizer;
        this.ema = new Ema(settings.emaDecay(), model.parameters().list());
        this.order = new DataOrder(settings.seed(), data.examples().size());
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
        int[] numbers = order.examples(index * n, n);
        Problem problem =
                settings.objective()
                        .draw(
                                examples(numbers),
                                purpose -> RandomStream.of(settings.seed(), purpose, index));
        int[][] captions = captions(numbers, index);
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

    private Examples examples(int[] numbers) {
        int size = Math.toIntExact(data.sample().count());
        float[] latents = new float[Math.multiplyExact(numbers.length, size)];
        boolean pairs = data.examples().get(numbers[0]).noise().isPresent();
        float[] noise = new float[pairs ? latents.length : 0];
        for (int i = 0; i < numbers.length; i++) {
            LatentData.Example example = data.examples().get(numbers[i]);
            System.arraycopy(example.latent(), 0, latents, i * size, size);
            if (pairs) {
                System.arraycopy(example.noise().orElseThrow(), 0, noise, i * size, size);
            }
        }
        return new Examples(numbers.length, latents, pairs ? Optional.of(noise) : Optional.empty());
    }

    private int[][] captions(int[] numbers, long index) {
        RandomStream random = RandomStream.of(settings.seed(), Purpose.CAPTION, index);
        int[][] ids = new int[numbers.length][];
        for (int i = 0; i < numbers.length; i++) {
            LatentData.Example example = data.examples().get(numbers[i]);
            ids[i] = settings.captions().draw(example.captions(), emptyCaption, random);
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

    int dataSize() {
        return data.examples().size();
    }

    Optimizer optimizer() {
        return optimizer;
    }

    Ema ema() {
        return ema;
    }

    /** Continues from restored parameters, optimiser and average. */
    void continueAfter(long madeSteps) {
        steps = madeSteps;
        model.parameters().upload();
    }
}
