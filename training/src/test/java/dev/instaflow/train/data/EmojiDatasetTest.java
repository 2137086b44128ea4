package dev.instaflow.train.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.data.RowProblem.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Collections in the layout of the original, with all that goes wrong in them. */
class EmojiDatasetTest {
    @TempDir Path folder;

    @BeforeEach
    void makePictures() throws IOException {
        picture("rgba_train/cat.png", 1);
        picture("rgba_train/dog.png", 2);
        picture("rgba_valid/fox.png", 3);
        picture("images/cow.png", 4);
    }

    private void picture(String name, int value) throws IOException {
        byte[] bytes = new byte[2 * 2 * 4];
        Arrays.fill(bytes, (byte) (value * 50));
        Files.createDirectories(folder.resolve(name).getParent());
        ImageFile.writePng(folder.resolve(name), Pixels.of(2, 2, bytes), Map.of());
    }

    private void table(String... lines) throws IOException {
        Files.writeString(folder.resolve("marking.csv"), String.join("\n", lines));
    }

    private EmojiDataset open() throws IOException {
        return EmojiDataset.open(folder, DatasetOptions.DEFAULT);
    }

    private static List<String> texts(EmojiDataset dataset) {
        return dataset.rows().stream().map(EmojiRow::text).toList();
    }

    private static List<Kind> kinds(EmojiDataset dataset) {
        return dataset.problems().stream().map(RowProblem::kind).toList();
    }

    @Test
    void openDatasetsColumnsAreRead() throws IOException {
        table(
                "image,hexcode,emoji,text,tags,group,split",
                "cat.png,1F431,x,кошка,животное|кот,animals,train",
                "fox.png,1F98A,y,\"лиса, рыжая\",,animals,valid");
        try (EmojiDataset dataset = open()) {
            assertEquals(List.of("кошка", "лиса, рыжая"), texts(dataset));
            assertEquals(List.of("животное", "кот"), dataset.rows().get(0).tags());
            assertEquals("1F431", dataset.rows().get(0).fields().get("hexcode"));
            assertEquals(1, dataset.rows(Split.VALID).size());
            assertEquals(List.of(), dataset.problems());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {",", ";", "\t"})
    void unknownColumnsAreFoundByTheirContent(String delimiter) throws IOException {
        List<String> lines =
                List.of("\uFEFFa,b,c", "1,cat,кошка", "2,dog,собака", "3,fox,лиса", "4,cow,корова");
        table(lines.stream().map(l -> l.replace(",", delimiter)).toArray(String[]::new));
        try (EmojiDataset dataset = open()) {
            assertEquals(List.of("кошка", "собака", "лиса", "корова"), texts(dataset));
            assertEquals(
                    List.of("лиса"),
                    dataset.rows(Split.VALID).stream().map(EmojiRow::text).toList());
        }
    }

    @Test
    void badRowsAreReportedWithTheirLine() throws IOException {
        Files.write(folder.resolve("rgba_train/bad.png"), new byte[] {1, 2, 3});
        picture("rgba_train/twin.png", 1);
        table(
                "image,text",
                "cat.png,кошка",
                "cat.png",
                "dog.png,",
                "../marking.csv,файл",
                "none.png,никто",
                "bad.png,сломано",
                "cat.png,кошка",
                "twin.png,близнец",
                "dog.png,близнец",
                "\"fox.png\",\"в две\nстроки\"",
                "cow.png,корова");
        try (EmojiDataset dataset = open()) {
            assertEquals(
                    List.of(
                            Kind.FIELDS,
                            Kind.NO_TEXT,
                            Kind.BAD_NAME,
                            Kind.NO_PICTURE,
                            Kind.BROKEN_PICTURE,
                            Kind.REPEATED_ROW,
                            Kind.REPEATED_PICTURE,
                            Kind.REPEATED_TEXT),
                    kinds(dataset));
            assertEquals(
                    List.of(3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L),
                    dataset.problems().stream().map(RowProblem::line).toList());
            assertEquals(
                    List.of("кошка", "близнец", "близнец", "в две\nстроки", "корова"),
                    texts(dataset));
            assertEquals(13, dataset.rows().get(4).line());
        }
    }

    @Test
    void strictReadingEndsAtTheFirstBadRow() throws IOException {
        table("image,text", "cat.png,кошка", "none.png,никто");
        IOException failure =
                assertThrows(
                        IOException.class,
                        () ->
                                EmojiDataset.open(
                                        folder,
                                        DatasetOptions.DEFAULT.withStrictness(
                                                DatasetOptions.Strictness.FAIL)));
        assertTrue(failure.getMessage().contains("line 3: NO_PICTURE: none.png"));
    }

    @Test
    void columnsCanBeNamedAndMissingOnesAreListed() throws IOException {
        table("image,text,other", "cat.png,кошка,другое");
        DatasetOptions named = DatasetOptions.DEFAULT.withColumns("image", "other");
        try (EmojiDataset dataset = EmojiDataset.open(folder, named)) {
            assertEquals(List.of("другое"), texts(dataset));
        }
        IOException failure =
                assertThrows(
                        IOException.class,
                        () ->
                                EmojiDataset.open(
                                        folder,
                                        DatasetOptions.DEFAULT.withColumns("image", "nothing")));
        assertTrue(failure.getMessage().contains("[image, text, other]"), failure.getMessage());
    }

    @Test
    void tableWithoutCaptionsIsRefused() throws IOException {
        table("image,number", "cat.png,1");
        IOException failure = assertThrows(IOException.class, this::open);
        assertTrue(failure.getMessage().contains("name it"), failure.getMessage());
    }

    @Test
    void zipIsReadLikeAFolder() throws IOException {
        table("image,text", "cat.png,кошка", "fox.png,лиса");
        Path zip = folder.resolve("set.zip");
        try (OutputStream file = Files.newOutputStream(zip);
                ZipOutputStream out = new ZipOutputStream(file)) {
            for (String name : List.of("marking.csv", "rgba_train/cat.png", "rgba_valid/fox.png")) {
                out.putNextEntry(new ZipEntry(name));
                Files.copy(folder.resolve(name), out);
            }
        }
        try (EmojiDataset dataset = EmojiDataset.open(zip, DatasetOptions.DEFAULT)) {
            assertEquals(List.of("кошка", "лиса"), texts(dataset));
            assertEquals(2, EmojiDataset.pixels(dataset.rows().get(1)).width());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"../outside.png", "/outside.png", "a/../../outside.png"})
    void tarXzThatLeadsElsewhereIsRefused(String name) throws IOException {
        Path archive = folder.resolve("set.tar.xz");
        pack(archive, name);
        IOException e =
                assertThrows(
                        IOException.class,
                        () -> EmojiDataset.open(archive, DatasetOptions.DEFAULT));
        assertTrue(e.getMessage().contains("set.tar.xz"), e.getMessage());
        assertTrue(e.getMessage().contains("leads out of the archive"), e.getMessage());
    }

    @Test
    void damagedTarXzIsRefused() throws IOException {
        Path archive = folder.resolve("set.tar.xz");
        pack(archive, "a.png");
        byte[] bytes = Files.readAllBytes(archive);
        bytes[bytes.length / 2] ^= 1;
        Files.write(archive, bytes);
        IOException e =
                assertThrows(
                        IOException.class,
                        () -> EmojiDataset.open(archive, DatasetOptions.DEFAULT));
        assertTrue(e.getMessage().contains("set.tar.xz: cannot be unpacked"), e.getMessage());
    }

    private static void pack(Path archive, String name) throws IOException {
        try (TarArchiveOutputStream tar =
                new TarArchiveOutputStream(
                        new XZCompressorOutputStream(Files.newOutputStream(archive)))) {
            byte[] bytes = new byte[100];
            TarArchiveEntry entry = new TarArchiveEntry(name, true);
            entry.setSize(bytes.length);
            tar.putArchiveEntry(entry);
            tar.write(bytes);
            tar.closeArchiveEntry();
        }
    }

    /** The numbers are those that the collections' own descriptions give. */
    @ParameterizedTest
    @CsvSource({"noto-64,1723,191", "fluent-flat-64,1434,160"})
    void openCollectionsAreRead(String name, int train, int valid) throws IOException {
        Path place = Path.of("datasets", name + ".tar.xz");
        DatasetOptions strict =
                DatasetOptions.DEFAULT.withStrictness(DatasetOptions.Strictness.FAIL);
        try (EmojiDataset dataset = EmojiDataset.open(place, strict)) {
            assertEquals(train, dataset.rows(Split.TRAIN).size());
            assertEquals(valid, dataset.rows(Split.VALID).size());
            assertEquals("широко улыбается", dataset.rows().get(0).text());
            assertTrue(dataset.rows().stream().noneMatch(row -> row.tags().isEmpty()));
        }
    }

    @Test
    void repeatedPicturesOfTheOpenCollectionAreFound() throws IOException {
        Path place = Path.of("datasets", "noto-64.tar.xz");
        try (EmojiDataset dataset = EmojiDataset.open(place, DatasetOptions.DEFAULT)) {
            // Its description counts 12 sets of identical pictures with 28 rows in all.
            assertEquals(28 - 12, kinds(dataset).size());
            assertTrue(kinds(dataset).stream().allMatch(kind -> kind == Kind.REPEATED_PICTURE));
        }
    }
}
