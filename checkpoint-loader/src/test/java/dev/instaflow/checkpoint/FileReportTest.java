package dev.instaflow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FileReportTest {
    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource({
        "tiny-fp16.ckpt, CKPT_ZIP",
        "formats/f11-legacy-shared.ckpt, CKPT_LEGACY",
        "formats/s01-mixed.safetensors, SAFETENSORS",
        "hostile/n01-empty.ckpt, EMPTY",
        "hostile/n02-one-byte.ckpt, NOT_A_CHECKPOINT",
        "hostile/n03-lfs-pointer.ckpt, GIT_LFS_POINTER",
        "hostile/n04-html.ckpt, HTML_PAGE",
        "hostile/n05-png.ckpt, NOT_A_CHECKPOINT",
        "hostile/n06-plain-zip.ckpt, NOT_A_CHECKPOINT",
        "hostile/n07-gzip.ckpt, NOT_A_CHECKPOINT",
        "hostile/n08-partial-download.safetensors, TRUNCATED",
        "hostile/n09-tar-legacy.pt, NOT_A_CHECKPOINT",
        "hostile/z01-truncated-tail.ckpt, TRUNCATED",
        "hostile/z02-truncated-half.ckpt, TRUNCATED",
        "hostile/s03-header-past-eof.safetensors, TRUNCATED",
        "hostile/z17-torchscript.pt, TORCHSCRIPT",
        "hostile/l04-truncated-storage.ckpt, CKPT_LEGACY"
    })
    void tellsWhatAFileIs(String file, FileKind kind) throws IOException {
        FileReport report = FileReport.of(Fixtures.path(file));
        assertEquals(kind, report.kind(), report.message());
        assertEquals(kind, FileKind.of(Fixtures.path(file)));
        assertTrue(report.message().contains(file.substring(file.indexOf('/') + 1)));
    }

    @Test
    void anLfsPointerNamesTheSizeItStandsForAndTheFix() throws IOException {
        String message = FileReport.of(Fixtures.path("hostile/n03-lfs-pointer.ckpt")).message();
        assertTrue(message.contains("4265380512"), message);
        assertTrue(message.contains("git lfs pull"), message);
    }

    @Test
    void aCutZipSaysHowMuchIsThereAndHowMuchIsMissing() throws IOException {
        byte[] whole = Files.readAllBytes(Fixtures.path("unet64-fp16.ckpt"));
        Path cut = folder.resolve("cut.ckpt");
        Files.write(cut, Arrays.copyOf(whole, 1_000_000));
        FileReport report = FileReport.of(cut);
        assertEquals(FileKind.TRUNCATED, report.kind());
        assertTrue(report.found().contains("1000000"), report.found());
    }

    @Test
    void aCutSafetensorsSaysBothSizes() throws IOException {
        FileReport report =
                FileReport.of(Fixtures.path("hostile/n08-partial-download.safetensors"));
        assertTrue(report.found().contains("1084"), report.found());
        assertTrue(report.found().contains("2000084"), report.found());
    }

    @Test
    void foldersAreDiffusersOrNothing() throws IOException {
        assertEquals(FileKind.NOT_A_CHECKPOINT, FileKind.of(folder));
        Files.write(folder.resolve("model_index.json"), "{}".getBytes(StandardCharsets.UTF_8));
        assertEquals(FileKind.DIFFUSERS_FOLDER, FileKind.of(folder));
    }

    @Test
    void stringsOfAFileCannotReachTheTerminal() {
        String hostile = "\u001b[31mred\u0007\n\u202ereversed\u0000\ud800\u009b\"\\";
        assertEquals(
                "\"\\u001b[31mred\\u0007\\u000a\\u202ereversed\\u0000\\ud800\\u009b\\\"\\\\\"",
                Escaped.quote(hostile));
        assertEquals(
                "\"\u0441\u0435\u0440\u0434\u0446\u0435 \u2764\"",
                Escaped.quote("\u0441\u0435\u0440\u0434\u0446\u0435 \u2764"));
        assertTrue(Escaped.quote("x".repeat(100_000)).length() < 300);
    }
}
