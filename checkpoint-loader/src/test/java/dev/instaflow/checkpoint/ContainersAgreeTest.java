package dev.instaflow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.ConvertedEntry;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same tensors in different containers are the same, bit for bit. */
class ContainersAgreeTest {
    private static final String UNET = "unet64-fp16.ckpt";

    /** Odd, and longer than the chunk that halves are widened in. */
    private static final int COUNT = 10_007;

    @TempDir private Path folder;

    /** Either writer. */
    private enum Container {
        CKPT,
        SAFETENSORS;

        void write(Path target, Collection<? extends Entry> entries) throws IOException {
            if (this == CKPT) {
                CkptWriter.write(target, entries, Map.of());
            } else {
                SafetensorsWriter.write(target, entries, Map.of());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-fp16.ckpt", "tiny-legacy.ckpt", "tiny.safetensors"})
    void everyContainerOfTheTinyModelEqualsItsF32File(String name) throws IOException {
        Path oracle = Path.of(System.getProperty("instaflow.oracle", "../oracle"));
        Assumptions.assumeTrue(
                Files.exists(oracle.resolve("tiny.ckpt")),
                () -> "no " + oracle + "/tiny.ckpt; say -Dinstaflow.oracle=DIR");
        try (Checkpoint full = Checkpoint.open(oracle.resolve("tiny.ckpt"));
                Checkpoint half = Checkpoint.open(oracle.resolve(name))) {
            full.verify();
            half.verify();
            int compared = 0;
            for (Entry entry : half.entries()) {
                // The schedule buffers are the only ones that halves cannot hold: see the oracle.
                if (entry.name().contains("_model.") || entry.name().startsWith("model.")) {
                    assertSameFloats(full.find(entry.name()).orElseThrow(), entry);
                    compared++;
                }
            }
            assertEquals(684 + 180 + 53, compared);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"CKPT", "SAFETENSORS"})
    void rewrittenUnetEqualsTheOneThatTorchWrote(String container) throws IOException {
        Path target = folder.resolve("rewritten");
        try (Checkpoint original = Checkpoint.open(Fixtures.path(UNET))) {
            Container.valueOf(container).write(target, original.entries());
            try (Checkpoint rewritten = Checkpoint.open(target)) {
                rewritten.verify();
                assertEquals(original.entries().size(), rewritten.entries().size());
                for (Entry entry : original.entries()) {
                    Entry copy = rewritten.find(entry.name()).orElseThrow();
                    assertEquals(entry.dtype(), copy.dtype());
                    assertArrayEquals(bytes(entry), bytes(copy), entry.name());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"CKPT", "SAFETENSORS"})
    void everyTypeAndRankSurvives(String container) throws IOException {
        List<Entry> entries = new ArrayList<>();
        Random random = new Random(5);
        for (DType dtype : DType.values()) {
            byte[] bytes = new byte[COUNT * dtype.sizeBytes()];
            random.nextBytes(bytes);
            entries.add(
                    HeapEntry.ofBytes("wide." + dtype, dtype, List.of(1L, (long) COUNT), bytes));
            byte[] one = new byte[dtype.sizeBytes()];
            entries.add(HeapEntry.ofBytes("scalar." + dtype, dtype, List.of(), one));
            entries.add(HeapEntry.ofBytes("empty." + dtype, dtype, List.of(3L, 0L)));
        }
        Path target = folder.resolve("types");
        Container.valueOf(container).write(target, entries);
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            checkpoint.verify();
            assertEquals(entries.size(), checkpoint.entries().size());
            for (Entry entry : entries) {
                Entry copy = checkpoint.find(entry.name()).orElseThrow();
                assertEquals(entry.dtype(), copy.dtype());
                assertEquals(entry.shape(), copy.shape());
                assertArrayEquals(bytes(entry), bytes(copy), entry.name());
                assertSameFloats(entry, copy);
            }
        }
    }

    @Test
    void halvesWidenAndNarrowBackToTheSameBits() throws IOException {
        Path wide = folder.resolve("wide.safetensors");
        Path narrow = folder.resolve("narrow.ckpt");
        try (Checkpoint original = Checkpoint.open(Fixtures.path(UNET))) {
            SafetensorsWriter.write(wide, converted(original, DType.F32), Map.of());
            try (Checkpoint widened = Checkpoint.open(wide)) {
                CkptWriter.write(narrow, converted(widened, DType.F16), Map.of());
            }
            try (Checkpoint back = Checkpoint.open(narrow)) {
                for (Entry entry : original.entries()) {
                    assertArrayEquals(bytes(entry), bytes(back.find(entry.name()).orElseThrow()));
                }
            }
        }
    }

    @Test
    void overflowOfHalvesIsAnErrorThatNamesTheTensorAndLeavesNoFile() throws IOException {
        Entry entry = HeapEntry.ofFloats("too.large", List.of(3L), 1f, -65519f, 65520f);
        Path target = folder.resolve("half.ckpt");
        Files.writeString(target, "old");
        List<Entry> half = List.of(ConvertedEntry.of(entry, DType.F16));
        CheckpointFormatException error =
                assertThrows(
                        CheckpointFormatException.class,
                        () -> CkptWriter.write(target, half, Map.of()));
        assertTrue(error.getMessage().contains("\"too.large\": element 2 is 65520.0"));
        assertEquals("old", Files.readString(target));
        try (var files = Files.list(folder)) {
            assertEquals(1, files.count());
        }
    }

    @Test
    void safetensorsAreAlignedSortedAndCarryMetadata() throws IOException {
        Path target = folder.resolve("m.safetensors");
        List<Entry> entries =
                List.of(
                        HeapEntry.ofBytes("z", DType.U8, List.of(3L), (byte) 1, (byte) 2, (byte) 3),
                        HeapEntry.ofFloats("b", List.of(1L), 2f),
                        HeapEntry.ofLongs("c", List.of(1L), 3L),
                        HeapEntry.ofFloats("a", List.of(1L), 4f));
        SafetensorsWriter.write(target, entries, Map.of("format", "pt"));
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            List<String> names = checkpoint.entries().stream().map(Entry::name).toList();
            assertEquals(List.of("c", "a", "b", "z"), names);
            assertEquals(Map.of("format", "pt"), checkpoint.metadata());
        }
        long dataBytes = 8 + 4 + 4 + 3;
        assertEquals(0, (Files.size(target) - dataBytes) % 8, "the data block is not aligned");
    }

    private static List<Entry> converted(Checkpoint checkpoint, DType dtype) {
        List<Entry> entries = new ArrayList<>();
        for (Entry entry : checkpoint.entries()) {
            entries.add(entry.dtype().isFloat() ? ConvertedEntry.of(entry, dtype) : entry);
        }
        return entries;
    }

    private static byte[] bytes(Entry entry) throws IOException {
        byte[] bytes = new byte[Math.toIntExact(entry.sizeBytes())];
        entry.readBytes(0, bytes, 0, (int) entry.count());
        return bytes;
    }

    private static void assertSameFloats(Entry expected, Entry actual) throws IOException {
        int count = Math.toIntExact(expected.count());
        float[] a = new float[count];
        float[] b = new float[count];
        expected.readFloats(0, a, 0, count);
        actual.readFloats(0, b, 0, count);
        assertArrayEquals(a, b, expected.name());
    }
}
