package dev.instaflow.train.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.model.TinyModel;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.Parameters;
import dev.instaflow.unet.UNet;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Arithmetic between steps; AdamW and the average are compared with PyTorch elsewhere. */
class OptimTest {
    private ReferenceBackend backend;
    private UNet unet;
    private List<Parameter> parameters;

    @BeforeEach
    void load() throws IOException {
        backend = new ReferenceBackend(ReferenceBackend.Precision.F32);
        try (Checkpoint checkpoint = Checkpoint.open(TinyModel.UNET64_FILE)) {
            unet = UNet.load(backend, checkpoint, TinyModel.UNET64);
        }
        Parameters all = new Parameters(backend);
        all.add(
                ModelPart.UNET,
                unet.weights(),
                UNet.parameters(TinyModel.UNET64),
                key -> key.startsWith("time_embed"));
        parameters = all.list();
    }

    @AfterEach
    void close() {
        unet.close();
        backend.close();
    }

    private void fill(float value) {
        parameters.forEach(parameter -> Arrays.fill(parameter.gradient(), value));
    }

    private long count() {
        return parameters.stream().mapToLong(parameter -> parameter.values().length).sum();
    }

    @Test
    void clippingScalesAllGradientsByOneFactor() {
        fill(2);
        double norm = GradientClip.norm(parameters);
        assertEquals(2 * Math.sqrt(count()), norm, norm * 1e-12);
        GradientClip.apply(parameters, norm, 1);
        assertEquals(1, GradientClip.norm(parameters), 1e-6);
        float small = parameters.get(0).gradient()[0];
        GradientClip.apply(parameters, 1, 5);
        assertEquals(small, parameters.get(0).gradient()[0]);
    }

    @Test
    void restoredAdamWTakesTheStepThatTheOldOneWould() {
        AdamW first = new AdamW(AdamW.Settings.TORCH);
        fill(0.5f);
        first.step(parameters, 0.01);
        AdamW second = new AdamW(AdamW.Settings.TORCH);
        second.restore(parameters, first.steps(), copy(first.state()));
        float[] start = parameters.get(0).values().clone();
        fill(-0.25f);
        first.step(parameters, 0.01);
        float[] expected = parameters.get(0).values().clone();
        System.arraycopy(start, 0, parameters.get(0).values(), 0, start.length);
        second.step(parameters, 0.01);
        assertArrayEquals(expected, parameters.get(0).values());
    }

    private static Map<String, float[]> copy(Map<String, float[]> arrays) {
        Map<String, float[]> copies = new LinkedHashMap<>();
        arrays.forEach((name, values) -> copies.put(name, values.clone()));
        return copies;
    }

    @Test
    void stateOfOtherParametersIsRefusedAndChangesNothing() {
        AdamW first = new AdamW(AdamW.Settings.TORCH);
        fill(0.5f);
        first.step(parameters, 0.01);
        AdamW second = new AdamW(AdamW.Settings.TORCH);
        String name = parameters.get(0).name() + ".exp_avg";
        Map<String, float[]> missing = copy(first.state());
        missing.remove(name);
        Map<String, float[]> shorter = copy(first.state());
        shorter.put(name, new float[1]);
        Map<String, float[]> more = copy(first.state());
        more.put("other.exp_avg", new float[1]);
        for (Map<String, float[]> wrong : List.of(missing, shorter, more)) {
            String message =
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> second.restore(parameters, 1, wrong))
                            .getMessage();
            assertTrue(message.contains(wrong == more ? "other.exp_avg" : name), message);
        }
        assertEquals(0, second.steps());
        assertTrue(second.state().isEmpty());
    }

    @Test
    void schedulesThatDifferAreDescribedDifferently() {
        LearningRate rate = LearningRate.constant(2);
        List<String> words =
                List.of(
                        rate.description(),
                        LearningRate.constant(3).description(),
                        rate.warmedUpOver(4).description(),
                        rate.fallingLinearly(6, 10).description(),
                        rate.fallingLinearly(6, 12).description(),
                        rate.fallingAsCosine(12, 0).description(),
                        rate.fallingAsCosine(12, 0.5).description());
        assertEquals(words.size(), new HashSet<>(words).size());
    }

    @Test
    void averageWarmsUp() {
        Ema ema = new Ema(0.9999, parameters);
        Parameter one = parameters.get(0);
        float before = one.values()[0];
        one.values()[0] = before + 11;
        ema.update(parameters);
        // (1 + 1) / (10 + 1) of the average stays.
        assertEquals(before + 9, ema.averages().get(one.name())[0], 1e-5);
        assertEquals(1, ema.updates());
    }

    @Test
    void averageOfOtherParametersIsRefused() {
        Ema ema = new Ema(0.9, parameters);
        Ema fewer = new Ema(0.9, parameters.subList(0, 1));
        assertThrows(IllegalArgumentException.class, () -> ema.restore(1, fewer.averages()));
    }

    @Test
    void schedulesRiseAndFall() {
        LearningRate rate = LearningRate.constant(2).warmedUpOver(4).fallingLinearly(6, 10);
        double[] expected = {0.5, 1, 1.5, 2, 2, 2, 2, 1.5, 1, 0.5, 0, 0};
        for (int step = 0; step < expected.length; step++) {
            assertEquals(expected[step], rate.at(step), 1e-12, "step " + step);
        }
        LearningRate cosine = LearningRate.constant(2).fallingAsCosine(10, 0.1);
        assertEquals(2, cosine.at(0), 1e-12);
        assertEquals(1.1, cosine.at(5), 1e-12);
        assertEquals(0.2, cosine.at(10), 1e-12);
        assertEquals(0.2, cosine.at(1000), 1e-12);
    }
}
