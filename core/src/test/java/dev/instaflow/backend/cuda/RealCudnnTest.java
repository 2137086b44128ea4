package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * NVIDIA's own cuDNN, which needs no GPU for that, says whether it takes the convolutions that the backend builds, and whether
 * the stand-in's answers are its own. Where no cuDNN is, this is skipped: {@code -Preal-cuda-libs} fetches it.
 */
class RealCudnnTest {
    private static final int RANDOM_DESCRIPTORS = 50_000;

    /** At least; those that Stable Diffusion 1.5 has by itself. */
    private static final int MANY_SHAPES = 1_000;

    /** Fewer would mean that nearly all random sizes are refused, or nearly none. */
    private static final double LEAST_SHARE = 0.2;

    /** Each has one thing wrong: channels, samples, columns, a filter that is larger than the image. */
    private static final List<String> IMPOSSIBLE =
            List.of(
                    "F16 3 1 1 1 64 64 0 320",
                    "F16 3 1 1 1 64 64 320 -1",
                    "F16 3 1 1 0 64 64 320 320",
                    "F16 3 1 1 1 64 0 320 320",
                    "F16 7 1 1 1 4 4 320 320");

    @TempDir private static Path folder;

    private static List<String> shapes;
    private static List<String> real;
    private static List<String> standIn;

    @BeforeAll
    static void askBoth() throws IOException, InterruptedException {
        String libraries = System.getProperty("instaflow.cudnn", "");
        assumeTrue(
                Files.exists(Path.of(libraries, NvidiaLibrary.CUDNN.fileName())),
                "no cuDNN in -Dinstaflow.cudnn=FOLDER; -Preal-cuda-libs fetches one");
        shapes = java(Map.of(), BuiltConvolutions.class.getName()).lines().toList();
        Path file = folder.resolve("shapes");
        List<String> all = new ArrayList<>(shapes);
        all.addAll(IMPOSSIBLE);
        Files.write(file, all);
        String[] words = {
            DescriptorAnswers.class.getName(), file.toString(), String.valueOf(RANDOM_DESCRIPTORS)
        };
        real = java(Map.of("INSTAFLOW_CUDA_LIBPATH", libraries), words).lines().toList();
        standIn = java(Map.of("INSTAFLOW_CUDA_LIBPATH", ""), words).lines().toList();
        assertTrue(real.contains(DescriptorAnswers.STAND_IN + 0), "not NVIDIA's cuDNN answered");
        String loaded = DescriptorAnswers.LIBRARY + Path.of(libraries).toRealPath();
        assertTrue(real.stream().anyMatch(line -> line.startsWith(loaded)), loaded);
    }

    private static String java(Map<String, String> environment, String... words)
            throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of("-Xmx800m", "-Djava.io.tmpdir=" + folder));
        all.addAll(List.of(words));
        return ChildJvm.run(environment, all.toArray(String[]::new));
    }

    private static List<String> of(List<String> output, String kind) {
        return output.stream().filter(line -> line.startsWith(kind)).toList();
    }

    @Test
    void everyConvolutionOfTheModelsIsTakenWithTheSizesThatTheBackendBelieves() {
        assertTrue(shapes.size() >= MANY_SHAPES, shapes.size() + " shapes");
        List<String> judged = of(real, DescriptorAnswers.PLAN).subList(0, shapes.size());
        for (int i = 0; i < shapes.size(); i++) {
            String believed = DescriptorAnswers.believed(BuiltConvolutions.shape(shapes.get(i)));
            assertEquals(DescriptorAnswers.PLAN + shapes.get(i) + ": " + believed, judged.get(i));
        }
        System.out.println(
                judged.size() + " convolutions judged by NVIDIA's cuDNN, all as believed");
    }

    @Test
    void whatCannotBeIsRefused() {
        List<String> judged = of(real, DescriptorAnswers.PLAN);
        for (String line : judged.subList(shapes.size(), judged.size())) {
            assertTrue(line.contains("refused: ") || line.contains("output 3/"), line);
        }
        assertEquals(shapes.size() + IMPOSSIBLE.size(), judged.size());
    }

    /** Of what is too large either status: cuDNN's own strides overflow before it counts elements, to whatever it is. */
    private static String refusal(String answer) {
        return answer.replaceFirst("^(random x\\([^)]*\\))=9 ", "$1=3 ");
    }

    @Test
    void theStandInAnswersAsCudnnDoes() throws IOException {
        assertEquals(of(real, DescriptorAnswers.PLAN), of(standIn, DescriptorAnswers.PLAN));
        List<String> expected = of(real, DescriptorAnswers.RANDOM);
        List<String> actual = of(standIn, DescriptorAnswers.RANDOM);
        List<String> different = new ArrayList<>();
        for (int i = 0; i < expected.size(); i++) {
            if (!refusal(expected.get(i)).equals(refusal(actual.get(i)))) {
                different.add("cuDNN    " + expected.get(i) + "\nstand-in " + actual.get(i));
            }
        }
        long refused = expected.stream().filter(line -> line.matches(".*=[1-9].*")).count();
        System.out.printf(
                "%d random sets of descriptors, %d refused in part; the stand-in answers %d otherwise%n",
                expected.size(), refused, different.size());
        assertEquals(RANDOM_DESCRIPTORS, expected.size());
        assertTrue(
                refused > LEAST_SHARE * expected.size()
                        && refused < (1 - LEAST_SHARE) * expected.size(),
                refused + " refused");
        Files.write(Path.of("target", "cudnn-differences.txt"), different);
        assertEquals("", String.join("\n", different.subList(0, Math.min(20, different.size()))));
    }
}
