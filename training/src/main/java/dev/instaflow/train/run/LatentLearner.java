package dev.instaflow.train.run;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Entry;
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
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** UNet and text encoder on latents with captions. */
final class LatentLearner implements Learner {
    private final TrainingModel model;
    private final TrainingSettings settings;
    private final TrainingData data;
    private final int[] emptyCaption;
    private final ExampleOrder order;

    LatentLearner(
            TrainingModel model, TrainingSettings settings, TrainingData data, int[] emptyCaption) {
        this.model = model;
        this.settings = settings;
        this.data = data;
        this.emptyCaption = emptyCaption.clone();
        this.order = data.order(settings.seed());
    }

    @Override
    public TrainingBackend backend() {
        return model.backend();
    }

    @Override
    public Parameters parameters() {
        return model.parameters();
    }

    @Override
    public List<Entry> frozen() {
        return model.frozen();
    }

    @Override
    public List<Entry> companions() {
        return model.companions();
    }

    @Override
    public double pass(long index, float share) {
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
            model.parameters().addGradients(tape, share);
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

    @Override
    public Map<RunSetting, String> settings() throws IOException {
        Map<RunSetting, String> words = new EnumMap<>(RunSetting.class);
        words.put(RunSetting.BATCH, String.valueOf(settings.batch()));
        words.put(RunSetting.OBJECTIVE, settings.objective().description());
        words.put(RunSetting.LOSS, settings.loss().description());
        words.put(
                RunSetting.CAPTIONS,
                "%s; none is %s"
                        .formatted(
                                settings.captions().description(), Arrays.toString(emptyCaption)));
        words.put(RunSetting.MEMORY, settings.memory().toString());
        words.put(RunSetting.DATA, data.size() + " examples, sha-256 " + data.digest());
        return words;
    }
}
