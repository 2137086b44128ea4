package dev.instaflow.train.pairs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ops.Scope;
import dev.instaflow.sampler.BatchNoise;
import dev.instaflow.sampler.Denoiser;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;
import dev.instaflow.sampler.Samplers;
import dev.instaflow.sampler.SamplingRequest;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.data.LatentData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pairs are what the teacher makes of their noises, whoever stopped the work and how often. */
class PairTest {
    @TempDir Path folder;
    private Path models;

    @BeforeEach
    void makeFolder() throws IOException {
        models = Files.createDirectory(folder.resolve("models"));
    }

    private Path make(String name, PairPlan plan) throws IOException {
        Path pairs = folder.resolve(name);
        try (SmallPairs small = SmallPairs.open(models)) {
            new PairMaker(small.teacher, plan, pairs).make(done -> {});
        }
        return pairs;
    }

    private static void assertSameFiles(Path expected, Path actual) throws IOException {
        assertEquals(names(expected), names(actual));
        for (String name : names(expected)) {
            byte[] bytes = Files.readAllBytes(expected.resolve(name));
            assertArrayEquals(bytes, Files.readAllBytes(actual.resolve(name)), name);
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void pairIsWhatTheTeacherMakesOfItsNoise() throws IOException {
        Path pairs = make("pairs", SmallPairs.plan(2));
        try (PairData data = PairData.open(pairs);
                SmallPairs small = SmallPairs.open(models);
                Scope scope = small.backend.openScope("alone")) {
            data.verify();
            assertEquals(6, data.size());
            assertEquals(SmallPairs.SAMPLE, data.sample());
            for (int number : new int[] {0, 4, 5}) {
                LatentData.Example example = data.example(number);
                BatchNoise noise = BatchNoise.of(NoiseSource.TORCH_CPU, 70 + number);
                Tensor start = noise.next(scope.ops(), Shape.of(1, 8, 8, 16));
                assertArrayEquals(scope.ops().toArray(start), example.noise().orElseThrow());
                int[] ids = SmallPairs.ids(100 + number % 3);
                Denoiser denoiser =
                        small.teacher.denoiser(
                                scope.ops(),
                                new int[][] {ids},
                                SmallPairs.ids(1),
                                new Guidance(1.5));
                Tensor alone =
                        Samplers.create(SmallPairs.TRAITS, SmallPairs.SAMPLER)
                                .sample(
                                        scope.ops(),
                                        denoiser,
                                        SamplingRequest.fromNoise(start, noise))
                                .latents();
                assertArrayEquals(scope.ops().toArray(alone), example.latent());
                assertArrayEquals(ids, example.captions().get(0));
                assertEquals("слово " + number % 3, data.caption(number).text());
            }
        }
    }

    @Test
    void stoppedRunGoesOnToTheSameFiles() throws IOException {
        PairPlan plan = SmallPairs.plan(4);
        Path whole = make("whole", plan);
        Path stopped = folder.resolve("stopped");
        try (SmallPairs small = SmallPairs.open(models)) {
            PairMaker maker = new PairMaker(small.teacher, plan, stopped);
            assertThrows(
                    IllegalStateException.class,
                    () ->
                            maker.make(
                                    done -> {
                                        throw new IllegalStateException("stopped at " + done);
                                    }));
            assertEquals(1, names(stopped).size());
            assertEquals(2, maker.make(done -> {}));
            assertEquals(0, maker.make(done -> {}));
        }
        assertSameFiles(whole, stopped);
    }

    @Test
    void killedRunGoesOnToTheSameFiles() throws Exception {
        int seeds = 60; // 36 shards
        Path killed = folder.resolve("killed");
        SmallPairs.open(models).close(); // the model's file
        for (int kill = 0; kill < 2; kill++) {
            Process child = start(killed, seeds);
            int before = shards(killed);
            try {
                while (child.isAlive() && shards(killed) < before + 3) {
                    Thread.onSpinWait();
                }
                assertTrue(child.isAlive(), "killed before it is done");
            } finally {
                child.destroyForcibly().waitFor();
            }
        }
        assertEquals(0, start(killed, seeds).waitFor());
        assertSameFiles(make("undisturbed", SmallPairs.plan(seeds)), killed);
    }

    private static int shards(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return 0;
        }
        return (int) names(folder).stream().filter(name -> name.startsWith("pairs-")).count();
    }

    private Process start(Path killed, int seeds) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        SmallPairs.class.getName(),
                        models.toString(),
                        killed.toString(),
                        String.valueOf(seeds))
                .inheritIO()
                .start();
    }

    @Test
    void moreSeedsKeepThePairsThatAreThere() throws IOException {
        Path pairs = make("pairs", SmallPairs.plan(2)); // 5 + 1
        byte[] first = Files.readAllBytes(pairs.resolve("pairs-000000.shard"));
        make("pairs", SmallPairs.plan(4)); // 5 + 5 + 2
        assertArrayEquals(first, Files.readAllBytes(pairs.resolve("pairs-000000.shard")));
        assertSameFiles(make("at once", SmallPairs.plan(4)), pairs);
    }

    @Test
    void otherPlanIsRefusedByName() throws IOException {
        Path pairs = make("pairs", SmallPairs.plan(2));
        String guidance = refusal(SmallPairs.plan(2).withGuidance(new Guidance(2)));
        assertTrue(guidance.contains("guidance 1.5, expected 2.0"), guidance);
        String seeds = refusal(SmallPairs.plan(2).withSeeds(NoiseSource.JAVA, 70, 2));
        assertTrue(seeds.contains("noise source torch-cpu, expected java"), seeds);
        String fewer = refusal(SmallPairs.plan(1));
        assertTrue(fewer.contains("the plan has 1 shards"), fewer);
        assertEquals(2, names(pairs).size());
    }

    private String refusal(PairPlan plan) {
        return assertThrows(PairFileException.class, () -> make("pairs", plan)).getMessage();
    }

    @Test
    void damageIsFoundWhereverItIs() throws IOException {
        Path pairs = make("pairs", SmallPairs.plan(2));
        Path file = pairs.resolve("pairs-000000.shard");
        byte[] whole = Files.readAllBytes(file);
        for (int at : new int[] {0, 8, 12, 40, 300, whole.length - 1, whole.length - 9000}) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 4;
            assertDamaged(pairs, file, damaged, "byte " + at);
        }
        for (int length : new int[] {0, 7, 15, 20, 400, whole.length - 4}) {
            assertDamaged(pairs, file, Arrays.copyOf(whole, length), length + " bytes");
        }
        assertDamaged(pairs, file, Arrays.copyOf(whole, whole.length + 4), "4 bytes more");
        assertDamaged(pairs, file, "a letter to somebody".getBytes("UTF-8"), "a foreign file");
    }

    private static void assertDamaged(Path pairs, Path file, byte[] bytes, String what)
            throws IOException {
        Files.write(file, bytes);
        String message =
                assertThrows(
                                PairFileException.class,
                                () -> {
                                    try (PairData data = PairData.open(pairs)) {
                                        for (int i = 0; i < data.size(); i++) {
                                            data.example(i);
                                        }
                                    } catch (UncheckedIOException e) {
                                        throw e.getCause();
                                    }
                                },
                                what)
                        .getMessage();
        assertTrue(message.contains(file.getFileName().toString()), message);
    }

    @Test
    void missingShardIsNoticed() throws IOException {
        Path pairs = make("pairs", SmallPairs.plan(4));
        Files.delete(pairs.resolve("pairs-000001.shard"));
        try (PairData data = PairData.open(pairs)) {
            assertEquals(5, data.size(), "a run that goes on makes the rest");
        }
        Files.move(pairs.resolve("pairs-000002.shard"), pairs.resolve("pairs-000001.shard"));
        PairFileException refused =
                assertThrows(PairFileException.class, () -> PairData.open(pairs).close());
        assertTrue(refused.getMessage().contains("begins with pair 10"), refused.getMessage());
    }

    /** A segment of the way is a run of its own from the state where it begins. */
    @Test
    void statesBetweenAreThoseOfTheWay() throws IOException {
        PairPlan plan = SmallPairs.plan(1).withGuidance(Guidance.OFF).withSegments(4);
        try (PairData data = PairData.open(make("pairs", plan));
                SmallPairs small = SmallPairs.open(models);
                Scope scope = small.backend.openScope("alone")) {
            LatentData.Example example = data.example(1);
            assertEquals(4, data.segments());
            List<float[]> states = new ArrayList<>();
            states.add(example.noise().orElseThrow());
            states.addAll(example.waypoints());
            states.add(example.latent());
            assertEquals(5, states.size());
            Denoiser denoiser =
                    small.teacher.denoiser(
                            scope.ops(),
                            new int[][] {SmallPairs.ids(101)},
                            SmallPairs.ids(1),
                            Guidance.OFF);
            for (int i = 0; i < 4; i++) {
                Tensor state = scope.ops().tensor("state", Shape.of(1, 8, 8, 16), states.get(i));
                float[] velocity =
                        scope.ops()
                                .toArray(
                                        denoiser.predict(
                                                scope.ops(), state, new float[] {1000 - 250 * i}));
                for (int k = 0; k < velocity.length; k++) {
                    float expected = states.get(i)[k] + 0.25f * velocity[k];
                    assertEquals(
                            expected, states.get(i + 1)[k], 2e-6f * Math.abs(expected) + 1e-6f);
                }
            }
            assertNotEquals(states.get(1)[0], states.get(2)[0]);
        }
    }

    @Test
    void samplersWhoseEndDoesNotBelongToTheirNoiseAreRefused() {
        PairPlan plan = SmallPairs.plan(1);
        List<SamplerSettings> refused =
                List.of(
                        SamplerSettings.of(SamplerKind.EULER_ANCESTRAL, 10),
                        SamplerSettings.of(SamplerKind.DDIM, 10).withEta(0.5));
        for (SamplerSettings sampler : refused) {
            assertThrows(
                    IllegalArgumentException.class,
                    () ->
                            PairPlan.of(
                                    plan.captions(), plan.negative(), SmallPairs.SAMPLE, sampler));
        }
        assertThrows(IllegalArgumentException.class, () -> plan.withSegments(3));
    }
}
