package dev.instaflow.sampler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.model.TestBackend;
import dev.instaflow.model.TinyModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.ChannelOrder;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.PreparedContext;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole runs of the small model against those of the original programs, on one backend. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SamplerGoldens {
    /** Advised for flow latents and for one UNet call; CompVis and diffusers differ by 1.0e-5. */
    private static final double FLOW = 5e-5;

    /** Advised for the other samplers, times the largest latent: random weights let them grow. */
    private static final double PER_SCALE = 5e-5;

    /** Advised for decoded images. */
    private static final double IMAGE = 1e-4;

    /** "Rarely": the share of 8-bit values that may be one off, next to a rounding boundary. */
    private static final double ONE_OFF = 1e-3;

    /** The text states of the prompt and the empty prompt, which most cases share. */
    private static final GoldenCase TEXTS = new GoldenCase("rf_onestep");

    private static final StepNoise NO_NOISE =
            (ops, shape) -> {
                throw new AssertionError("this run adds no noise");
            };

    private final TestBackend kind;
    private Backend backend;
    private UNet unet;
    private AutoencoderKl vae;

    SamplerGoldens(TestBackend kind) {
        this.kind = kind;
    }

    @BeforeAll
    void load() throws IOException {
        backend = kind.open();
        try (Checkpoint checkpoint = TinyModel.open()) {
            unet = UNet.load(backend, checkpoint, TinyModel.UNET);
            vae =
                    AutoencoderKl.load(
                            backend, checkpoint, TinyModel.VAE, AutoencoderKl.Parts.DECODER);
        }
    }

    @AfterAll
    void closesWithoutLeaks() {
        unet.close();
        vae.close();
        backend.close();
    }

    /** Runs of diffusion samplers, all of 10 steps with guidance 7.5. */
    private enum Diffusion {
        DDIM(of(SamplerKind.DDIM)),
        DDIM_ETA0P8(of(SamplerKind.DDIM).withEta(0.8)),
        PLMS(of(SamplerKind.PLMS)),
        EULER_LEADING(of(SamplerKind.EULER).withSpacing(StepSpacing.LEADING)),
        EULER_LINSPACE(of(SamplerKind.EULER)),
        EULER_KARRAS(of(SamplerKind.EULER).withSigmas(SigmaSpacing.KARRAS)),
        EULER_A_LEADING(of(SamplerKind.EULER_ANCESTRAL).withSpacing(StepSpacing.LEADING)),
        EULER_A_LINSPACE(of(SamplerKind.EULER_ANCESTRAL)),
        DPMPP2M_LEADING(of(SamplerKind.DPMPP_2M).withSpacing(StepSpacing.LEADING)),
        DPMPP2M_LINSPACE(of(SamplerKind.DPMPP_2M)),
        DPMPP2M_KARRAS(of(SamplerKind.DPMPP_2M).withSigmas(SigmaSpacing.KARRAS)),
        DPMPP2M_COMPVIS(of(SamplerKind.DPMPP_2M).withSpacing(StepSpacing.CONTINUOUS));

        final SamplerSettings settings;

        Diffusion(SamplerSettings settings) {
            this.settings = settings;
        }

        private static SamplerSettings of(SamplerKind kind) {
            return SamplerSettings.of(kind, 10);
        }
    }

    @ParameterizedTest
    @EnumSource
    void diffusionRunsMatch(Diffusion diffusion) {
        GoldenCase golden = new GoldenCase("sample_" + diffusion.name().toLowerCase(Locale.ROOT));
        Recording recording =
                run(golden, TEXTS, SamplingTraits.stableDiffusion(), diffusion.settings, 7.5);
        float scale = scale(golden.floats("latents"));
        checkAll(golden, recording, PER_SCALE * scale);
        if (golden.has("model_t")) {
            // Both halves of the batch are listed.
            float[] both = golden.floats("model_t");
            assertEquals(both.length, 2 * recording.labels.size());
            for (int i = 0; i < both.length; i++) {
                // DPM-Solver's own program computes its labels in float32.
                assertEquals(both[i], recording.labels.get(i / 2), 999 * 0x1p-23);
            }
        }
        if (golden.has("timesteps")) {
            float[] labels = golden.floats("timesteps");
            for (int i = 0; i < labels.length; i++) {
                assertEquals(labels[i], recording.labels.get(i), ScheduleTest.LABEL);
            }
        }
        if (golden.has("model_out")) {
            float[] expected = golden.floats("model_out");
            double allowed = PER_SCALE * scale(expected);
            checkSteps(golden, "model_out", recording.networkOutputs, allowed);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "rf_onestep, 1, 1",
        "rf_onestep_16x24_batch2, 1, 1",
        "rf2_4steps_cfg1p5, 4, 1.5",
        "rf2_25steps_cfg1p5_neg, 25, 1.5"
    })
    void flowRunsMatch(String name, int steps, double guidance) {
        GoldenCase golden = new GoldenCase(name);
        SamplerSettings settings = SamplerSettings.of(SamplerKind.RF_EULER, steps);
        Recording recording = run(golden, golden, SamplingTraits.instaFlow(), settings, guidance);
        checkAll(golden, recording, FLOW);
        if (golden.has("velocity")) {
            checkSteps(golden, "velocity", recording.guidedOutputs, FLOW);
        }
        assertEquals(1000f, recording.labels.get(0));
    }

    /** What a run did, channels first. */
    private static final class Recording {
        final List<Float> labels = new ArrayList<>();
        final List<float[]> networkOutputs = new ArrayList<>();
        final List<float[]> guidedOutputs = new ArrayList<>();
        final List<float[]> states = new ArrayList<>();
        float[] latents;
        float[] image;
    }

    private Recording run(
            GoldenCase golden,
            GoldenCase texts,
            SamplingTraits traits,
            SamplerSettings settings,
            double guidance) {
        Recording recording = new Recording();
        Sampler sampler = Samplers.create(traits, settings);
        try (Scope scope = backend.openScope(golden.folder().getFileName().toString())) {
            Ops ops = scope.ops();
            Denoiser guided = denoiser(ops, texts, new Guidance(guidance), recording);
            SamplingRequest request =
                    SamplingRequest.fromNoise(golden.image(ops, "noise"), stepNoise(golden))
                            .withListener(
                                    progress -> {
                                        recording.states.add(
                                                channelsFirst(ops, progress.latents()));
                                        assertEquals(recording.states.size(), progress.step());
                                        assertEquals(settings.steps(), progress.steps());
                                    });
            SamplingResult result = sampler.sample(ops, guided, request);
            assertEquals(recording.labels.size(), result.evaluations().get(0));
            recording.latents = ops.toArray(result.latents());
            Tensor raw = LatentScale.STABLE_DIFFUSION.toRaw(ops, result.latents());
            recording.image = ops.toArray(vae.decode(ops, raw, BlockMonitor.NONE));
        }
        return recording;
    }

    private Denoiser denoiser(Ops ops, GoldenCase texts, Guidance guidance, Recording recording) {
        Tensor positive = texts.tensor(ops, "context");
        PreparedContext contexts =
                unet.prepare(
                        ops,
                        guidance.isOn()
                                ? ops.concatBatch(texts.tensor(ops, "uncond"), positive)
                                : positive);
        Denoiser guided =
                guidance.over(
                        (inner, x, labels, which) -> {
                            Tensor y = unet.forward(inner, x, labels, contexts, BlockMonitor.NONE);
                            recording.labels.add(labels[labels.length - 1]);
                            recording.networkOutputs.add(channelsFirst(inner, y));
                            return y;
                        });
        return (inner, x, labels) -> {
            Tensor y = guided.predict(inner, x, labels);
            recording.guidedOutputs.add(channelsFirst(inner, y));
            return y;
        };
    }

    private static StepNoise stepNoise(GoldenCase golden) {
        if (!golden.has("step_noise")) {
            return NO_NOISE;
        }
        float[] all = golden.floats("step_noise"); // [S,N,C,h,w]
        int[] drawn = {0};
        return (ops, shape) -> {
            int size = Math.toIntExact(shape.count());
            int from = drawn[0]++ * size;
            float[] nchw = Arrays.copyOfRange(all, from, from + size);
            Shape first = ChannelOrder.channelsFirst(shape);
            return ops.tensor("step noise", shape, ChannelOrder.toChannelsLast(first, nchw));
        };
    }

    private static float[] channelsFirst(Ops ops, Tensor x) {
        return ChannelOrder.toChannelsFirst(x.shape(), ops.toArray(x));
    }

    private void checkAll(GoldenCase golden, Recording recording, double tolerance) {
        golden.check(kind.name(), "latents", recording.latents, tolerance);
        if (golden.has("latents_steps")) {
            checkSteps(golden, "latents_steps", recording.states, tolerance);
        }
        if (golden.has("image")) {
            golden.check(kind.name(), "image", recording.image, IMAGE);
        }
        byte[] expected = golden.array("image_u8").bytes(); // [(N,)H,W,3]
        int off = 0;
        for (int i = 0; i < expected.length; i++) {
            double unit = Math.min(1, Math.max(0, recording.image[i] / 2 + 0.5f));
            int difference = Math.abs((int) Math.rint(unit * 255) - (expected[i] & 0xff));
            assertTrue(difference <= 1, "pixel value " + i + " is off by " + difference);
            off += difference;
        }
        assertTrue(off <= ONE_OFF * expected.length, off + " of " + expected.length + " are off");
        System.out.printf(
                "golden %-60s %-10s %d of %d values one off%n",
                golden.folder().getFileName() + "/image_u8", kind.name(), off, expected.length);
    }

    /** Compares records [N,..] a step with a file [S,N,..] of as many steps. */
    private void checkSteps(
            GoldenCase golden, String file, List<float[]> actual, double tolerance) {
        assertEquals(golden.array(file).shape().size(0), actual.size(), file);
        int size = actual.get(0).length;
        float[] joined = new float[size * actual.size()];
        for (int i = 0; i < actual.size(); i++) {
            System.arraycopy(actual.get(i), 0, joined, i * size, size);
        }
        golden.check(kind.name(), file, joined, tolerance);
    }

    private static float scale(float[] values) {
        float largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }
}
