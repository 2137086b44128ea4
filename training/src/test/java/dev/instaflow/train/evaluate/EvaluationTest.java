package dev.instaflow.train.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.Backend;
import dev.instaflow.backend.Device;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.ModelSource;
import dev.instaflow.pipeline.OpenModel;
import dev.instaflow.pipeline.TextToImage;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bundled model, evaluated on a collection of ten pictures. */
class EvaluationTest {
    private static final Manner ONE_STEP = Manner.of(SamplerKind.RF_EULER, 1, 0);

    /**
     * PSNR of PyTorch's picture by numpy. The picture may differ from it by 1 of 255 in some values, by other
     * rounding: at 25 dB that is a few hundredths.
     */
    private static final double PSNR_OF_PYTORCH = 25.231181556010988;

    private static final double PSNR_TOLERANCE = 0.05;

    private static final EvaluationSettings SMALL =
            new EvaluationSettings(CaptionSelection.ALL, 5, 4, 2, 2);

    private static Contestant bundled(String name, int steps) {
        return new Contestant(
                name,
                ModelSource.bundled(),
                WeightSet.PLAIN,
                OptionalInt.of(steps),
                OptionalDouble.empty());
    }

    private static EvaluationResult evaluate(EvaluationMonitor monitor, Contestant... contestants)
            throws IOException {
        try (Backend backend = Device.cpu().open()) {
            return new Evaluation(SMALL, SmallGallery.both(), backend, monitor)
                    .run(List.of(contestants));
        }
    }

    @Test
    void theBundledModelDrawsItsTrainingCaptionAsPyTorchDoes() throws IOException {
        List<Double> told = new ArrayList<>();
        EvaluationResult result =
                evaluate((what, fraction) -> told.add(fraction), bundled("bundled", 1));
        ModelResult model = result.models().get(0);
        int apple =
                result.gallery().subjects().stream()
                        .map(Gallery.Subject::caption)
                        .toList()
                        .indexOf(SmallGallery.APPLE);
        CaptionScores scores =
                model.captions().stream()
                        .filter(c -> c.subject() == apple)
                        .findFirst()
                        .orElseThrow();
        assertEquals(PSNR_OF_PYTORCH, scores.samples().get(4).psnrOnWhite(), PSNR_TOLERANCE);
        scores.samples().forEach(s -> assertEquals(List.of(1, 1, 1), s.ranks()));
        assertEquals(5, model.splits().get(Split.TRAIN).captions());
        assertEquals(1, model.splits().get(Split.VALID).captions());
        assertTrue(model.splits().get(Split.VALID).novelty().isPresent());
        assertEquals(1.0, told.get(told.size() - 1), 1e-9);
        assertEquals(told, told.stream().sorted().toList());
    }

    @Test
    void aOneStepModelIsForcedToManyStepsAndThatIsSaid() throws IOException {
        EvaluationResult result =
                evaluate(EvaluationMonitor.NONE, bundled("once", 1), bundled("thrice", 3));
        assertFalse(result.models().get(0).asked().forced());
        assertTrue(result.models().get(1).asked().forced());
        GapScores gap = result.models().get(0).gap().orElseThrow();
        assertTrue(gap.forced());
        assertEquals(4, gap.steps());
        assertEquals(4, gap.straightness().orElseThrow().byTime().size());
        assertTrue(gap.straightness().orElseThrow().mean() > 0);
        assertTrue(gap.latent().mean() > 0);
    }

    @Test
    void theSameEvaluationGivesTheSameNumbers() throws IOException {
        ModelResult first = evaluate(EvaluationMonitor.NONE, bundled("a", 1)).models().get(0);
        ModelResult again =
                evaluate(EvaluationMonitor.NONE, bundled("b", 2), bundled("a", 1)).models().get(1);
        assertEquals(first.captions(), again.captions());
        assertEquals(first.splits(), again.splits());
        assertEquals(first.gap(), again.gap());
    }

    @Test
    void aPainterDrawsWhatThePipelineMakes() throws IOException {
        List<String> captions = List.of("лимон", SmallGallery.APPLE);
        List<List<Pixels>> drawn;
        try (Backend backend = Device.cpu().open();
                OpenModel model = OpenModel.load(ModelSource.bundled(), backend, WeightSet.PLAIN)) {
            drawn = Painter.of(backend, model).draw(captions, 3, ONE_STEP);
        }
        try (TextToImage engine = TextToImage.bundled()) {
            for (int i = 0; i < captions.size(); i++) {
                for (int seed = 0; seed < 3; seed++) {
                    GenerationRequest request =
                            GenerationRequest.of(captions.get(i)).withSeed(seed);
                    assertArrayEquals(
                            engine.generate(request).get(0).pixels().toBytes(),
                            drawn.get(i).get(seed).toBytes());
                }
            }
        }
    }

    @Test
    void aGridHasTheTruthsAndThenTheSeeds(@TempDir Path folder) throws IOException {
        Pixels truth =
                ImageFile.read(SmallGallery.FOLDER.resolve("noto/rgba_train/1f34b.png")).pixels();
        SampleGrid grid =
                new SampleGrid(
                        List.of("лимон", SmallGallery.APPLE),
                        List.of(List.of(truth, truth), List.of()),
                        3);
        Path png = folder.resolve("grid.png");
        try (Backend backend = Device.cpu().open();
                OpenModel model = OpenModel.load(ModelSource.bundled(), backend, WeightSet.PLAIN)) {
            grid.write(png, Painter.of(backend, model), ONE_STEP);
        }
        Pixels drawn = ImageFile.read(png).pixels();
        assertEquals(5 * 68 - 4, drawn.width());
        assertEquals(2 * 68 - 4, drawn.height());
        byte[] bytes = drawn.toBytes();
        int c = drawn.channels();
        // The second caption has no truth: its first two places are white.
        for (int x = 0; x < 132; x++) {
            assertEquals((byte) 255, bytes[(100 * drawn.width() + x) * c]);
        }
    }

    @Test
    void theReportHoldsAllNumbersAndNeedsNothingElse(@TempDir Path folder) throws IOException {
        EvaluationResult result =
                evaluate(EvaluationMonitor.NONE, bundled("one <step>", 1), bundled("three", 3));
        Report.write(result, folder.resolve("new/report"));
        Path page = folder.resolve("new/report").resolve(Report.PAGE);
        String html = Files.readString(page);
        assertTrue(html.contains("one &lt;step&gt;"));
        assertFalse(html.contains("one <step>"));
        assertFalse(html.contains("<script"));
        assertFalse(html.matches("(?s).*(src|href)=\"(?!data:).*"), "something lies elsewhere");
        assertTrue(html.contains("data:image/png;base64,"));
        assertTrue(html.contains("<svg"));
        assertFalse(html.replaceAll("base64,[^\"]*", "").contains("NaN"));
        JsonNode json =
                new ObjectMapper()
                        .readTree(folder.resolve("new/report").resolve(Report.NUMBERS).toFile());
        JsonNode model = json.path("models").get(0);
        SplitScores train = result.models().get(0).splits().get(Split.TRAIN);
        assertEquals(
                train.found().get(1).top5(),
                model.at("/splits/training/retrieval/1/top5").asDouble());
        assertEquals(64, model.path("sha256").asText().length());
        assertEquals(6, json.path("captions").size());
        assertEquals(5, model.at("/byCaption/0/ranks").size());
        assertEquals(5, json.at("/settings/seeds").asInt());
        try (var files = Files.list(page.getParent())) {
            assertEquals(2, files.count());
        }
    }

    @Test
    void twoModelsOfOneNameAreRefusedAndAnEvaluationCanBeEnded() {
        assertThrows(
                IllegalArgumentException.class,
                () -> evaluate(EvaluationMonitor.NONE, bundled("a", 1), bundled("a", 2)));
        EvaluationMonitor ending =
                (what, fraction) -> {
                    throw new CancellationException(what);
                };
        assertThrows(CancellationException.class, () -> evaluate(ending, bundled("a", 1)));
    }
}
