package dev.instaflow.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFileTest {
    @TempDir Path folder;

    @Test
    void pixelsAndRussianTextSurviveAFile() throws IOException {
        for (int channels : List.of(3, 4)) {
            byte[] bytes = new byte[13 * 7 * channels];
            new Random(channels).nextBytes(bytes);
            Path file = folder.resolve("new/folder/image" + channels + ".png");
            Map<String, String> text = Map.of("prompt", "красное сердце ❤ \"x\"\n\t\\");
            ImageFile.writePng(file, Pixels.of(13, 7, bytes), text);
            ImageFile read = ImageFile.read(file);
            assertEquals(channels, read.pixels().channels());
            assertArrayEquals(bytes, read.pixels().toBytes());
            assertEquals(text, read.text());
        }
    }

    @Test
    void nothingIsLeftBesideTheFile() throws IOException {
        ImageFile.writePng(folder.resolve("a.png"), Pixels.of(1, 1, new byte[3]), Map.of());
        ImageFile.writePng(folder.resolve("a.png"), Pixels.of(1, 1, new byte[4]), Map.of());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(folder.resolve("a.png")), files.toList());
        }
    }

    @Test
    void imageIsReadableByWhomeverOtherNewFilesAre() throws IOException {
        Path image = folder.resolve("a.png");
        ImageFile.writePng(image, Pixels.of(1, 1, new byte[3]), Map.of());
        Path other = Files.writeString(folder.resolve("b.txt"), "b");
        assumeTrue(Files.getFileStore(folder).supportsFileAttributeView("posix"), "no POSIX files");
        assertEquals(Files.getPosixFilePermissions(other), Files.getPosixFilePermissions(image));
    }

    @Test
    void otherFilesAreRefusedByName() throws IOException {
        Path text = Files.writeString(folder.resolve("notes.png"), "hello");
        IOException error = assertThrows(ImageFileException.class, () -> ImageFile.read(text));
        assertTrue(error.getMessage().contains("notes.png: not an image"), error.getMessage());
        assertThrows(NoSuchFileException.class, () -> ImageFile.read(folder.resolve("absent.png")));
    }

    @Test
    void damagedFilesGiveOneKindOfError() throws IOException {
        byte[] bytes = new byte[64 * 64 * 3];
        new Random(3).nextBytes(bytes);
        byte[] good = ImageFile.encodePng(Pixels.of(64, 64, bytes), Map.of("a", "b"));
        Random random = new Random(7);
        for (int i = 0; i < 200; i++) {
            byte[] bad = Arrays.copyOf(good, 8 + random.nextInt(good.length - 8));
            bad[8 + random.nextInt(bad.length - 8 + 1) % Math.max(1, bad.length - 8)] ^= 0x55;
            Path file = Files.write(folder.resolve("bad.png"), bad);
            try {
                ImageFile.read(file);
            } catch (ImageFileException expected) {
                assertTrue(expected.getMessage().contains("bad.png"), expected.getMessage());
            }
        }
    }
}
