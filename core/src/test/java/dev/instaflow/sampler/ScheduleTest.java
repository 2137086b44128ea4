package dev.instaflow.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.tensor.Npy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScheduleTest {
    // diffusers accumulates the products in float32: 1000 roundings, seen in sigma as a few of
    // these.
    private static final double RELATIVE = 2e-6;
    // 0.99915 rounded to float is off by this share in the least sigma, which enters all Karras
    // sigmas.
    private static final double LEAST_SIGMA = 1.3e-5;
    // Karras labels follow with the least slope of ln(sigma), 0.0032 a label.
    static final double LABEL = LEAST_SIGMA / 0.0032;
    // The JSON has nine digits.
    private static final double NINE_DIGITS = 1e-8;

    private static final NoiseSchedule SCHEDULE = NoiseSchedule.STABLE_DIFFUSION;

    @Test
    void alphaBarsAreTheCompVisBufferBitForBit() throws IOException {
        float[] expected = alphaBars("alphas_cumprod.npy");
        double[] actual = SCHEDULE.alphaBars();
        assertEquals(1000, expected.length);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], (float) actual[i], "alphaBar " + i);
        }
        float[] diffusers = alphaBars("alphas_cumprod_diffusers.npy");
        for (int i = 0; i < expected.length; i++) {
            assertEquals(diffusers[i], actual[i], RELATIVE * actual[i], "alphaBar " + i);
        }
    }

    @Test
    void alphaBarsAreThoseOfTheFacts() {
        double[] alphaBars = SCHEDULE.alphaBars();
        assertEquals(0.99915, alphaBars[0], 1e-12);
        assertEquals(0.276333, alphaBars[500], 5e-7);
        assertEquals(0.0057755, alphaBars[981], 5e-8);
        assertEquals(0.0046601, alphaBars[999], 5e-8);
    }

    @Test
    void schedulesEqualDiffusersAndCompVis() throws IOException {
        JsonNode all = schedules();
        int checked = 0;
        for (var ofSteps : all.properties()) {
            if (ofSteps.getValue().isObject()) {
                int steps = Integer.parseInt(ofSteps.getKey());
                for (var entry : ofSteps.getValue().properties()) {
                    check(entry.getKey(), steps, entry.getValue());
                    checked++;
                }
            }
        }
        assertEquals(6 * 23, checked);
    }

    private static void check(String key, int steps, JsonNode expected) {
        if (key.startsWith("compvis_ddim")) {
            checkCompVis(key, steps, expected);
        } else if (key.startsWith("pndm")) {
            checkPlms(key, steps, expected);
        } else {
            checkDiffusers(key, steps, expected);
        }
    }

    private static void checkDiffusers(String key, int steps, JsonNode expected) {
        boolean karras = key.endsWith("_karras");
        String plain = karras ? key.replace("_karras", "") : key;
        int cut = plain.lastIndexOf('_');
        SamplerKind kind =
                switch (plain.substring(0, cut)) {
                    case "euler" -> SamplerKind.EULER;
                    case "euler_a" -> SamplerKind.EULER_ANCESTRAL;
                    case "dpmpp2m" -> SamplerKind.DPMPP_2M;
                    case "ddim" -> SamplerKind.DDIM;
                    default -> throw new AssertionError(key);
                };
        Grid grid =
                grid(
                        kind,
                        steps,
                        spacing(plain.substring(cut + 1)),
                        karras ? SigmaSpacing.KARRAS : SigmaSpacing.OF_LABELS);
        String what = key + " " + steps;
        assertLabels(what, expected.get("timesteps"), grid);
        if (kind == SamplerKind.EULER || kind == SamplerKind.EULER_ANCESTRAL) {
            JsonNode sigmas = expected.get("sigmas");
            assertEquals(steps + 1, sigmas.size(), what);
            for (int i = 0; i <= steps; i++) {
                double sigma = sigmas.get(i).doubleValue();
                double tolerance = sigmaTolerance(sigma) + (karras ? LEAST_SIGMA * sigma : 0);
                assertEquals(1, grid.level(i).signal());
                assertEquals(sigma, grid.level(i).noise(), tolerance, what + " sigma " + i);
            }
        }
        if (expected.has("init_noise_sigma")) {
            double scale = expected.get("init_noise_sigma").doubleValue();
            assertEquals(scale, grid.startScale(), sigmaTolerance(scale), what);
        }
        if (kind == SamplerKind.DPMPP_2M && !karras) {
            DiffusionTime time = new DiffusionTime(SCHEDULE);
            for (int label = 0; label < 1000; label++) {
                double sigma = expected.get("sigmas").get(label).doubleValue();
                assertEquals(sigma, time.sigma(label), sigmaTolerance(sigma), what);
            }
        }
    }

    /** One rounding of alphaBar to float is {@code 2^-24 / (2 sigma)} in sigma, much where it is small. */
    private static double sigmaTolerance(double sigma) {
        return sigma == 0 ? 0 : RELATIVE * sigma + 0x1p-24 / sigma;
    }

    private static void checkPlms(String key, int steps, JsonNode expected) {
        StepSpacing spacing = spacing(key.substring(key.indexOf('_') + 1));
        Grid grid = grid(SamplerKind.PLMS, steps, spacing, SigmaSpacing.OF_LABELS);
        JsonNode calls = expected.get("timesteps");
        // The second call of the first step is listed too, where there is a second label.
        int extra = steps > 1 ? 1 : 0;
        assertEquals(steps + extra, calls.size(), key);
        for (int i = 0; i < calls.size(); i++) {
            int label = i < 2 ? i : i - extra;
            assertEquals(calls.get(i).floatValue(), grid.label(label), key + " " + steps);
        }
    }

    /** CompVis counts upwards, and takes more steps than asked for where they do not divide 1000. */
    private static void checkCompVis(String key, int steps, JsonNode expected) {
        JsonNode labels = expected.get("timesteps");
        if (1000 % steps != 0) {
            assertTrue(labels.size() > steps, "the trap that we do not follow");
            return;
        }
        double eta = key.endsWith("eta1") ? 1 : 0;
        Grid grid = grid(SamplerKind.DDIM, steps, StepSpacing.LEADING, SigmaSpacing.OF_LABELS);
        for (int i = 0; i < steps; i++) {
            int upwards = steps - 1 - i;
            NoiseLevel level = grid.level(i);
            NoiseLevel next = grid.level(i + 1);
            String what = key + " " + steps + " " + i;
            assertEquals(labels.get(upwards).floatValue(), grid.label(i), what);
            assertEquals(
                    expected.get("alphas").get(upwards).doubleValue(),
                    level.signal() * level.signal(),
                    NINE_DIGITS + 0x1p-24,
                    what);
            assertEquals(
                    expected.get("alphas_prev").get(upwards).doubleValue(),
                    next.signal() * next.signal(),
                    NINE_DIGITS + 0x1p-24,
                    what);
            // Near the image 1 - a/a' of float32 products keeps three digits.
            assertEquals(
                    expected.get("sigmas").get(upwards).doubleValue(),
                    eta * DdimStepper.addedAtEtaOne(level, next),
                    2e-5,
                    what);
        }
    }

    @ParameterizedTest
    @EnumSource
    void allStepCountsGiveExactlySoManyFallingLabelsInTheTable(SamplerKind kind) {
        for (StepSpacing spacing : StepSpacing.values()) {
            for (SigmaSpacing sigmas : sigmaSpacings(kind)) {
                for (int steps = 1; steps <= 1000; steps++) {
                    if (kind != SamplerKind.RK45) {
                        assertValid(kind, spacing, sigmas, steps);
                    }
                }
            }
        }
    }

    private static Set<SigmaSpacing> sigmaSpacings(SamplerKind kind) {
        return kind.takesSigmaSpacing()
                ? EnumSet.allOf(SigmaSpacing.class)
                : EnumSet.of(SigmaSpacing.OF_LABELS);
    }

    private static void assertValid(
            SamplerKind kind, StepSpacing spacing, SigmaSpacing sigmas, int steps) {
        Grid grid = grid(kind, steps, spacing, sigmas);
        Supplier<String> what = () -> kind + " " + spacing + " " + sigmas + " " + steps;
        assertEquals(steps, grid.steps(), what);
        boolean flow = kind.predictions().contains(Prediction.FLOW);
        assertTrue(grid.label(0) <= (flow ? 1000 : 999), what);
        for (int i = 0; i < steps; i++) {
            NoiseLevel level = grid.level(i);
            NoiseLevel next = grid.level(i + 1);
            assertTrue(grid.label(i) >= 0 && Double.isFinite(grid.label(i)), what);
            assertTrue(i == 0 || grid.label(i) < grid.label(i - 1), what);
            // Only the last step may stand still: that from label 0 to the end at label 0.
            double fall = level.noise() / level.signal() - next.noise() / next.signal();
            boolean still = i == steps - 1 && grid.label(i) == 0 && fall == 0;
            assertTrue(flow && i == 0 || fall > 0 || still, what);
        }
    }

    @Test
    void flowTimesAreInstaFlowsLabels() {
        Grid four = flow(TimeLabelRule.INSTAFLOW, 4, 1);
        float[] labels = {four.label(0), four.label(1), four.label(2), four.label(3)};
        assertArrayEquals(new float[] {1000, 750, 500, 250}, labels);
        assertEquals(1000f, flow(TimeLabelRule.INSTAFLOW, 1, 1).label(0));
        assertEquals(NoiseLevel.CLEAN, four.level(4));
    }

    @Test
    void theRectifiedFlowRepositoryCountsTheOtherWay() {
        Grid two = flow(TimeLabelRule.RECTIFIED_FLOW_REPO, 2, 1);
        assertEquals((float) (1e-3 * 999), two.label(0));
        assertEquals((float) ((0.5 * (1 - 1e-3) + 1e-3) * 999), two.label(1));
        assertEquals(0.5, two.level(1).signal() - two.level(0).signal());
        assertThrows(IllegalArgumentException.class, () -> TimeLabelRule.INSTAFLOW.label(1.0001));
    }

    @Test
    void strengthCutsTheFirstStepsOfADiffusionAndTheTimeOfAFlow() {
        GridSampler ddim =
                new GridSampler(
                        SamplingTraits.stableDiffusion(), SamplerSettings.of(SamplerKind.DDIM, 50));
        assertEquals(29, ddim.grid(0.58).steps());
        assertEquals(ddim.grid(1).label(21), ddim.grid(0.58).label(0));
        assertEquals(29, Grids.stepsAt(0.29, 100));
        Grid flow = flow(TimeLabelRule.INSTAFLOW, 25, 0.3);
        assertEquals(7, flow.steps());
        assertEquals(0.7, flow.level(0).signal());
        assertEquals(300f, flow.label(0));
        assertEquals(1, flow(TimeLabelRule.INSTAFLOW, 1, 0.5).steps());
        String message =
                assertThrows(IllegalArgumentException.class, () -> ddim.grid(0.01)).getMessage();
        assertTrue(message.contains("the least is 0.02"), message);
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        assertRefused(() -> SamplerSettings.of(SamplerKind.DDIM, 0), "0 steps");
        assertRefused(() -> SamplerSettings.of(SamplerKind.DDIM, 1001), "1001 steps");
        assertRefused(() -> SamplerSettings.of(SamplerKind.DDIM, 1).withEta(1.1), "eta 1.1");
        assertRefused(
                () -> SamplerSettings.of(SamplerKind.DDIM, 9).withSigmas(SigmaSpacing.KARRAS),
                "ddim cannot use Karras");
        assertRefused(
                () -> SamplerSettings.of(SamplerKind.RK45, 1).withTolerance(1e-9, 0), "1.0E-9");
        assertRefused(() -> SamplerKind.of("k_euler"), "rf-euler, rf-heun, rk45, ddim, plms");
        assertRefused(
                () ->
                        Samplers.create(
                                new SamplingTraits(
                                        Prediction.V,
                                        TimeLabelRule.INSTAFLOW,
                                        new NoiseSchedule(0.1, 0.2, 10)),
                                SamplerSettings.of(SamplerKind.EULER, 11)),
                "11 steps of a model with 10 training steps");
    }

    @Test
    void aSamplerThatContradictsTheModelIsRefusedWithThoseThatFit() {
        assertRefused(
                () ->
                        Samplers.create(
                                SamplingTraits.instaFlow(),
                                SamplerSettings.of(SamplerKind.EULER, 1)),
                "sampler euler works on models that predict epsilon or v, this model predicts"
                        + " flow; use rf-euler, rf-heun, rk45");
        assertRefused(
                () ->
                        Samplers.create(
                                SamplingTraits.diffusion(Prediction.V),
                                SamplerSettings.of(SamplerKind.RF_EULER, 1)),
                "use ddim, plms, euler, euler-ancestral, heun, dpmpp-2m");
    }

    private static void assertRefused(Executable call, String part) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(part), message);
    }

    private static void assertLabels(String what, JsonNode expected, Grid grid) {
        assertEquals(expected.size(), grid.steps(), what);
        for (int i = 0; i < expected.size(); i++) {
            float label = expected.get(i).floatValue();
            boolean whole = label == Math.rint(label);
            assertEquals(label, grid.label(i), whole ? 0 : LABEL, what + " label " + i);
        }
    }

    private static Grid flow(TimeLabelRule rule, int steps, double strength) {
        return Grids.flow(rule, steps, strength);
    }

    private static Grid grid(
            SamplerKind kind, int steps, StepSpacing spacing, SigmaSpacing sigmas) {
        SamplingTraits traits =
                kind.predictions().contains(Prediction.FLOW)
                        ? SamplingTraits.instaFlow()
                        : SamplingTraits.stableDiffusion();
        SamplerSettings settings =
                SamplerSettings.of(kind, steps).withSpacing(spacing).withSigmas(sigmas);
        return new GridSampler(traits, settings).grid(1);
    }

    private static StepSpacing spacing(String name) {
        return StepSpacing.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static float[] alphaBars(String file) throws IOException {
        return Npy.read(GoldenCase.FOLDER.resolve(file)).floats();
    }

    private static JsonNode schedules() throws IOException {
        Path file = GoldenCase.FOLDER.resolve("schedules.json");
        return new ObjectMapper().readTree(file.toFile());
    }
}
