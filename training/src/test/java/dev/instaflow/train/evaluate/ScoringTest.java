package dev.instaflow.train.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.Device;
import dev.instaflow.train.data.DatasetOptions;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.Gallery.Subject;
import dev.instaflow.train.evaluate.metric.Picture;
import dev.instaflow.train.evaluate.metric.StylePurity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores of pictures that are not drawn but given; numbers by numpy, from the PNG files. */
class ScoringTest {
    /** Printed with more digits than this. */
    private static final double NUMPY = 1e-12;

    private static int index(Gallery gallery, String caption) {
        List<String> captions = gallery.subjects().stream().map(Subject::caption).toList();
        return captions.indexOf(caption);
    }

    private static Picture truth(Gallery gallery, int subject, int number) {
        return gallery.items().get(gallery.subjects().get(subject).items().get(number)).picture();
    }

    private static List<CaptionScores> scores(Gallery gallery, int subject, Picture... samples) {
        try (Backend backend = Device.cpu().open();
                Retrieval retrieval = Retrieval.among(backend, gallery)) {
            return new Scoring(gallery, retrieval).of(List.of(subject), List.of(List.of(samples)));
        }
    }

    @Test
    void aPictureOfPyTorchHasTheNumbersOfNumpy() throws IOException {
        Gallery gallery = SmallGallery.both();
        int apple = index(gallery, SmallGallery.APPLE);
        SampleScores score =
                scores(gallery, apple, SmallGallery.picture("green-apple-seed-4.png"))
                        .get(0)
                        .samples()
                        .get(0);
        assertEquals(List.of(1, 1, 1), score.ranks());
        assertEquals(gallery.subjects().get(apple).items().get(0), score.nearest());
        assertEquals(0.04636490930092391, score.toTruth(), NUMPY);
        assertEquals(25.231181556010988, score.psnrOnWhite(), NUMPY);
        assertEquals(26.676211708948557, score.psnrRgba(), NUMPY);
        assertEquals(0.9855014095851792, score.alphaIou(), NUMPY);
        assertEquals(0.9988795518207282, score.border(), NUMPY);
        assertEquals(1, score.borderOfTruth(), NUMPY);
        assertEquals(0.8598790699482876, score.sharpness(), NUMPY);
        StylePurity purity = score.purity().orElseThrow();
        assertEquals(0.10782043724600385, purity.toMean(), NUMPY);
        assertEquals(0.05532261533154159, purity.blend(), NUMPY);
        assertTrue(purity.isPure());
    }

    @Test
    void captionsWithAPictureInCommonAreOneEmoji() throws IOException {
        Gallery gallery = SmallGallery.both();
        int norway = index(gallery, "флаг: Норвегия");
        int bouvet = index(gallery, "флаг: о-в Буве");
        assertEquals(6, gallery.subjects().size());
        assertEquals(
                gallery.subjects().get(norway).group(), gallery.subjects().get(bouvet).group());
        SampleScores score =
                scores(gallery, norway, truth(gallery, bouvet, 0)).get(0).samples().get(0);
        assertEquals(List.of(1, 1, 1), score.ranks());
        assertTrue(score.purity().isEmpty());
    }

    @Test
    void anotherEmojisPictureIsNotFoundAndTheRankCountsEmojiRatherThanPictures()
            throws IOException {
        Gallery gallery = SmallGallery.both();
        int apple = index(gallery, SmallGallery.APPLE);
        int lemon = index(gallery, "лимон");
        List<CaptionScores> all =
                scores(
                        gallery,
                        apple,
                        truth(gallery, lemon, 0),
                        truth(gallery, apple, 0),
                        truth(gallery, apple, 1));
        int rank = all.get(0).samples().get(0).ranks().get(0);
        assertTrue(rank >= 2 && rank <= 5, "rank " + rank); // five emoji in all
        assertEquals(1, all.get(0).samples().get(1).ranks().get(0));
        try (Backend backend = Device.cpu().open();
                Retrieval retrieval = Retrieval.among(backend, gallery)) {
            Scoring scoring = new Scoring(gallery, retrieval);
            SplitScores split = scoring.split(Split.TRAIN, all).orElseThrow();
            assertEquals(2.0 / 3, split.found().get(0).top1());
            assertEquals(1, split.found().get(0).top5());
            assertEquals(1.0, split.styles().orElseThrow().several());
            assertTrue(split.novelty().isEmpty());
            assertTrue(scoring.split(Split.VALID, all).isEmpty());
        }
    }

    @Test
    void aHeldOutSampleIsComparedWithTrainingPicturesAlone() throws IOException {
        Gallery gallery = SmallGallery.both();
        int rose = index(gallery, "роза");
        List<CaptionScores> all = scores(gallery, rose, truth(gallery, rose, 0));
        SampleScores score = all.get(0).samples().get(0);
        assertEquals(0, score.toTruth());
        int nearest = gallery.items().get(score.training().orElseThrow().item()).subject();
        assertEquals(Split.TRAIN, gallery.subjects().get(nearest).split());
        assertTrue(score.training().orElseThrow().distance() > 0);
    }

    @Test
    void captionsAreChosenByNameAndByPlace() throws IOException {
        List<Subject> all = SmallGallery.both().subjects();
        CaptionSelection two = new CaptionSelection(Optional.empty(), OptionalInt.of(2));
        assertEquals(List.of(all.get(0), all.get(3)), two.of(all));
        CaptionSelection named =
                new CaptionSelection(Optional.of(List.of("лимон", "1F34F")), OptionalInt.empty());
        assertEquals(
                List.of("лимон", SmallGallery.APPLE),
                named.of(all).stream().map(Subject::caption).toList());
        CaptionSelection unknown =
                new CaptionSelection(Optional.of(List.of("лимон", "киви")), OptionalInt.empty());
        String message =
                assertThrows(IllegalArgumentException.class, () -> unknown.of(all)).getMessage();
        assertTrue(message.startsWith("1 of 2") && message.contains("киви"), message);
    }

    @Test
    void aCaptionThatIsHeldOutInOneCollectionOnlyIsRefused(@TempDir Path folder)
            throws IOException {
        Files.createDirectories(folder.resolve("rgba_train"));
        Files.copy(
                SmallGallery.FOLDER.resolve("noto/rgba_valid/1f339.png"),
                folder.resolve("rgba_train/1f339.png"));
        Files.writeString(folder.resolve("marking.csv"), "image,text\n1f339.png,роза\n");
        try (EmojiDataset noto = SmallGallery.open("noto");
                EmojiDataset other = EmojiDataset.open(folder, DatasetOptions.DEFAULT)) {
            List<Gallery.Source> sources =
                    List.of(new Gallery.Source("noto", noto), new Gallery.Source("mine", other));
            String message =
                    assertThrows(IllegalArgumentException.class, () -> Gallery.of(sources))
                            .getMessage();
            assertTrue(message.contains("mine") && message.contains("роза"), message);
        }
    }

    @Test
    void theHashOfACollectionIsOfItsContent() throws IOException {
        Gallery gallery = SmallGallery.both();
        String noto = gallery.styles().get(0).sha256();
        assertEquals(64, noto.length());
        assertFalse(noto.equals(gallery.styles().get(1).sha256()));
        assertEquals(noto, SmallGallery.both().styles().get(0).sha256());
    }
}
