package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AlgorithmCacheTest {
    private static final ConvolutionShape SHAPE =
            new ConvolutionShape(
                    ConvolutionPass.FORWARD, Numerics.F16, 3, 1, 1, 2, 64, 64, 320, 320);
    private static final AlgorithmCache.Choice CHOICE = new AlgorithmCache.Choice(1, 1);

    @TempDir private Path folder;

    private AlgorithmCache open(String device) {
        return new AlgorithmCache(Optional.of(folder.resolve("deep/cache")), device);
    }

    private Path file() {
        return folder.resolve("deep/cache/cudnn-algorithms.txt");
    }

    @Test
    void whatWasFoundIsKnownToTheNextProcessOnTheSameDevice() throws IOException {
        open("NVIDIA A100-SXM4-40GB-cudnn8907").put(SHAPE, CHOICE);
        assertEquals(Optional.of(CHOICE), open("NVIDIA A100-SXM4-40GB-cudnn8907").find(SHAPE));
        assertTrue(open("NVIDIA A100-SXM4-40GB-cudnn8906").find(SHAPE).isEmpty());
        try (Stream<Path> files = Files.list(file().getParent())) {
            assertEquals(1, files.count(), "no temporary file is left");
        }
    }

    @Test
    void processesAtTheSameTimeKeepEachOthersFindings() {
        AlgorithmCache first = open("device");
        AlgorithmCache second = open("device");
        ConvolutionShape other = SHAPE.with(ConvolutionPass.KERNEL_GRADIENT);
        first.put(SHAPE, CHOICE);
        second.put(other, CHOICE);
        assertEquals(Optional.of(CHOICE), open("device").find(SHAPE));
        assertEquals(Optional.of(CHOICE), open("device").find(other));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "something else",
                "instaflow cudnn algorithms 1\ndevice F16-k3 1",
                "instaflow cudnn algorithms 1\ndevice F16-k3 1 x",
                "instaflow cudnn algorithms 1\ndevice F16-k3 99 1",
                "instaflow cudnn algorithms 1\ndevice F16-k3 1 -7"
            })
    void aDamagedFileIsBegunAnew(String text) throws IOException {
        Files.createDirectories(file().getParent());
        Files.writeString(file(), text);
        AlgorithmCache cache = open("device");
        assertTrue(cache.find(SHAPE).isEmpty());
        cache.put(SHAPE, CHOICE);
        assertEquals(Optional.of(CHOICE), open("device").find(SHAPE));
    }

    @Test
    void aFolderThatCannotBeMadeCostsOnlyTime() throws IOException {
        Files.writeString(folder.resolve("deep"), "a file");
        AlgorithmCache cache = open("device");
        cache.put(SHAPE, CHOICE);
        assertEquals(Optional.of(CHOICE), cache.find(SHAPE));
    }

    @Test
    void withoutAFolderItIsKeptInMemory() {
        AlgorithmCache cache = new AlgorithmCache(Optional.empty(), "device");
        cache.put(SHAPE, CHOICE);
        assertEquals(Optional.of(CHOICE), cache.find(SHAPE));
    }
}
