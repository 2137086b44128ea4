package dev.instaflow.train.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.sampler.NoiseSchedule;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Directions, labels and targets, against the formulas of the papers. */
class ObjectiveTest {
    private static final float[] DATA = {1, 2, 3, 4, 5, 6};
    private static final float[] NOISE = {-1, 0, 1, 0.5f, -0.5f, 2};
    private static final Function<Purpose, RandomStream> RANDOM =
            purpose -> RandomStream.of(1, purpose, 7);

    private static RectifiedFlow flow(TimeLabelRule rule) {
        return new RectifiedFlow(rule, TimeDistribution.uniform());
    }

    @Test
    void flowIsNoiseAtTime0AndDataAtTime1() {
        Problem problem = flow(TimeLabelRule.INSTAFLOW).problem(new double[] {0, 1}, DATA, NOISE);
        assertArrayEquals(new float[] {-1, 0, 1, 4, 5, 6}, problem.state());
        assertArrayEquals(new float[] {1000, 0}, problem.labels());
        assertArrayEquals(new float[] {2, 2, 2, 3.5f, 5.5f, 4}, problem.target());
    }

    @Test
    void repositorysLabelsRunTheOtherWay() {
        Problem problem =
                flow(TimeLabelRule.RECTIFIED_FLOW_REPO).problem(new double[] {0, 1}, DATA, NOISE);
        assertArrayEquals(new float[] {0, 999}, problem.labels());
    }

    @Test
    void oneStepStartsFromTheNoiseOfThePair() {
        Examples pairs = new Examples(2, DATA, Optional.of(NOISE));
        Problem problem = RectifiedFlow.oneStep(TimeLabelRule.INSTAFLOW).draw(pairs, RANDOM);
        assertArrayEquals(NOISE, problem.state());
        assertArrayEquals(new float[] {1000, 1000}, problem.labels());
        for (int i = 0; i < DATA.length; i++) {
            assertEquals(DATA[i], problem.state()[i] + problem.target()[i]);
        }
    }

    @Test
    void noiseIsDrawnAnewEachStepAndTheSameForTheSameStep() {
        Examples examples = Examples.of(2, DATA);
        RectifiedFlow flow = flow(TimeLabelRule.INSTAFLOW);
        Problem first = flow.draw(examples, RANDOM);
        assertArrayEquals(first.state(), flow.draw(examples, RANDOM).state());
        Problem next = flow.draw(examples, purpose -> RandomStream.of(1, purpose, 8));
        assertNotEquals(first.state()[0], next.state()[0]);
        assertNotEquals(first.labels()[0], next.labels()[0]);
    }

    @Test
    void diffusionMixesByAlphaBarAndAsksForTheNoise() {
        double alphaBar = NoiseSchedule.STABLE_DIFFUSION.alphaBars()[500];
        Problem problem =
                new Diffusion(NoiseSchedule.STABLE_DIFFUSION, Prediction.EPSILON)
                        .problem(new int[] {500}, DATA, NOISE);
        assertEquals(0.276333, alphaBar, 1e-6); // FP64 value of the published schedule
        assertArrayEquals(NOISE, problem.target());
        assertArrayEquals(new float[] {500}, problem.labels());
        for (int i = 0; i < DATA.length; i++) {
            double mixed = Math.sqrt(alphaBar) * DATA[i] + Math.sqrt(1 - alphaBar) * NOISE[i];
            assertEquals(mixed, problem.state()[i], 1e-6);
        }
    }

    @Test
    void velocityDeterminesTheData() {
        double alphaBar = NoiseSchedule.STABLE_DIFFUSION.alphaBars()[321];
        Problem problem =
                new Diffusion(NoiseSchedule.STABLE_DIFFUSION, Prediction.V)
                        .problem(new int[] {321}, DATA, NOISE);
        for (int i = 0; i < DATA.length; i++) {
            double data =
                    Math.sqrt(alphaBar) * problem.state()[i]
                            - Math.sqrt(1 - alphaBar) * problem.target()[i];
            assertEquals(DATA[i], data, 1e-5);
        }
    }

    @Test
    void flowAsDiffusionIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new Diffusion(NoiseSchedule.STABLE_DIFFUSION, Prediction.FLOW));
    }

    @Test
    void segmentsLeadFromOneStateOfTheTeacherToTheNext() {
        SegmentDistillation thirds = new SegmentDistillation(TimeLabelRule.INSTAFLOW, 3);
        List<float[]> states =
                List.of(
                        new float[] {0, 0},
                        new float[] {1, 10},
                        new float[] {3, 30},
                        new float[] {4, 70});
        Problem problem = thirds.problem(new int[] {1, 2}, states);
        assertArrayEquals(new float[] {1, 30}, problem.state());
        assertArrayEquals(new float[] {6, 120}, problem.target());
        assertArrayEquals(new float[] {2000f / 3, 1000f / 3}, problem.labels(), 1e-4f);
        // An Euler step of the student that answers right ends where the segment does.
        assertEquals(3, problem.state()[0] + problem.target()[0] / 3, 1e-6);
    }

    @Test
    void distillationToOneStepIsThatOfPairs() {
        Examples pairs = new Examples(2, DATA, Optional.of(NOISE));
        Problem expected = RectifiedFlow.oneStep(TimeLabelRule.INSTAFLOW).draw(pairs, RANDOM);
        Problem problem = new SegmentDistillation(TimeLabelRule.INSTAFLOW, 1).draw(pairs, RANDOM);
        assertArrayEquals(expected.state(), problem.state());
        assertArrayEquals(expected.target(), problem.target());
        assertArrayEquals(expected.labels(), problem.labels());
    }

    @Test
    void segmentsNeedTheTeachersStates() {
        SegmentDistillation halves = new SegmentDistillation(TimeLabelRule.INSTAFLOW, 2);
        for (Examples wrong :
                List.of(Examples.of(2, DATA), new Examples(2, DATA, Optional.of(NOISE)))) {
            String message =
                    assertThrows(IllegalArgumentException.class, () -> halves.draw(wrong, RANDOM))
                            .getMessage();
            assertTrue(message.contains("make pairs of 2 segments"), message);
        }
    }

    /** Ten thousand draws: means have a deviation below 0.005. */
    @Test
    void timesHaveTheirDistributions() {
        assertEquals(0.5, mean(TimeDistribution.uniform()), 0.02);
        assertEquals(0.5, mean(TimeDistribution.logitNormal(0, 1)), 0.02);
        assertTrue(mean(TimeDistribution.logitNormal(1, 1)) > 0.6);
        assertEquals(0.375, mean(TimeDistribution.startOfEachStep(4)), 0.02);
        TimeDistribution mixed = TimeDistribution.at(0).mixedWith(0.7, TimeDistribution.at(1));
        assertEquals(0.3, mean(mixed), 0.02);
    }

    private static double mean(TimeDistribution times) {
        RandomStream random = RandomStream.of(5, Purpose.TIME, 0);
        double sum = 0;
        for (int i = 0; i < 10_000; i++) {
            double time = times.draw(random);
            assertTrue(time >= 0 && time <= 1);
            sum += time;
        }
        return sum / 10_000;
    }
}
