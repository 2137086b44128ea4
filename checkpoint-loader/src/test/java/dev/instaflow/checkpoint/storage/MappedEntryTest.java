package dev.instaflow.checkpoint.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MappedEntryTest {
    /** One page: mappings start at pages. The real windows are 32 MiB. */
    private static final long WINDOW = 4096;

    private static final int COUNT = 5000;

    @TempDir private Path folder;

    /** COUNT ints that count up, in a byte order, after a gap that misaligns them. */
    private MappedFile file(int gap, ByteOrder order) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(gap + COUNT * 4).order(order);
        bytes.position(gap);
        for (int i = 0; i < COUNT; i++) {
            bytes.putInt(i);
        }
        Path path = folder.resolve("ints" + gap + order);
        Files.write(path, bytes.array());
        return MappedFile.open(path, WINDOW, 2);
    }

    private static MappedEntry entry(
            MappedFile file, int gap, ByteOrder order, TensorLayout layout) {
        return new MappedEntry(
                "t",
                DType.I32,
                layout.requireInside(COUNT),
                new MappedEntry.Storage(file, gap, order));
    }

    /** All elements, in the order of the file. */
    private static MappedEntry row(MappedFile file, int gap, ByteOrder order) {
        return entry(file, gap, order, TensorLayout.contiguous(List.of((long) COUNT)));
    }

    private static MappedEntry row(MappedFile file) {
        return row(file, 0, ByteOrder.LITTLE_ENDIAN);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 7})
    void elementsAcrossWindowsAreWhole(int gap) throws IOException {
        for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
            try (MappedFile file = file(gap, order)) {
                MappedEntry entry = row(file, gap, order);
                float[] floats = new float[COUNT];
                long[] longs = new long[COUNT];
                byte[] bytes = new byte[COUNT * 4];
                entry.readFloats(0, floats, 0, COUNT);
                entry.readLongs(0, longs, 0, COUNT);
                entry.readBytes(0, bytes, 0, COUNT);
                ByteBuffer little = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
                for (int i = 0; i < COUNT; i++) {
                    assertEquals(i, floats[i]);
                    assertEquals(i, longs[i]);
                    assertEquals(i, little.getInt(i * 4));
                }
            }
        }
    }

    @Test
    void anyRangeOfAnyViewIsThatOfPlainLoops() throws IOException {
        List<TensorLayout> views =
                List.of(
                        new TensorLayout(List.of(20L, 7L), List.of(1L, 20L), 3), // transposed
                        new TensorLayout(List.of(5L, 4L, 6L), List.of(700L, 6L, 1L), 11), // sliced
                        new TensorLayout(
                                List.of(3L, 1L, 8L), List.of(0L, 99L, 0L), 4999), // expanded
                        new TensorLayout(
                                List.of(2L, 3L, 4L, 5L), List.of(60L, 1L, 15L, 3L), 0), // NHWC
                        new TensorLayout(List.of(4L, 6L), List.of(1200L, 17L), 5)); // long steps
        try (MappedFile file = file(1, ByteOrder.LITTLE_ENDIAN)) {
            for (TensorLayout view : views) {
                MappedEntry entry = entry(file, 1, ByteOrder.LITTLE_ENDIAN, view);
                long[] expected = plainLoops(view);
                for (int first = 0; first <= expected.length; first++) {
                    int length = Math.min(expected.length - first, 13);
                    long[] actual = new long[length];
                    entry.readLongs(first, actual, 0, length);
                    long[] range = Arrays.copyOfRange(expected, first, first + length);
                    assertArrayEquals(range, actual, view + " from " + first);
                }
            }
        }
    }

    /** Elements hold their own position, so an offset is its value. */
    private static long[] plainLoops(TensorLayout view) {
        List<Long> offsets = new ArrayList<>(List.of(view.offset()));
        for (int d = 0; d < view.shape().size(); d++) {
            List<Long> deeper = new ArrayList<>();
            for (long offset : offsets) {
                for (long i = 0; i < view.shape().get(d); i++) {
                    deeper.add(offset + i * view.strides().get(d));
                }
            }
            offsets = deeper;
        }
        return offsets.stream().mapToLong(Long::longValue).toArray();
    }

    @Test
    void onlyAFewWindowsStayMapped() throws IOException {
        try (MappedFile file = file(0, ByteOrder.LITTLE_ENDIAN)) {
            MappedEntry entry = row(file);
            assertEquals(0, file.mappedWindows());
            long[] one = new long[1];
            for (int i = 0; i < COUNT; i += 100) {
                entry.readLongs(i, one, 0, 1);
                assertEquals(i, one[0]);
                assertTrue(file.mappedWindows() <= 2);
            }
            entry.readLongs(3, one, 0, 1); // comes back to a window that was let go
            assertEquals(3, one[0]);
        }
    }

    @Test
    void threadsReadTheSameValuesWhileWindowsComeAndGo() throws Exception {
        try (MappedFile file = file(1, ByteOrder.LITTLE_ENDIAN)) {
            MappedEntry entry = row(file, 1, ByteOrder.LITTLE_ENDIAN);
            ExecutorService pool = Executors.newFixedThreadPool(4);
            List<Future<Long>> wrong = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                int start = t * 1237;
                wrong.add(pool.submit(() -> countWrong(entry, start)));
            }
            for (Future<Long> result : wrong) {
                assertEquals(0L, result.get(60, TimeUnit.SECONDS));
            }
            pool.shutdown();
        }
    }

    private static long countWrong(MappedEntry entry, int start) throws IOException {
        long wrong = 0;
        long[] values = new long[37];
        for (int i = 0; i < 5000; i++) {
            int first = (start + i * 611) % (COUNT - values.length);
            entry.readLongs(first, values, 0, values.length);
            for (int k = 0; k < values.length; k++) {
                wrong += values[k] == first + k ? 0 : 1;
            }
        }
        return wrong;
    }

    @Test
    void readingAfterCloseIsAnErrorNotACrash() throws IOException {
        MappedFile file = file(0, ByteOrder.LITTLE_ENDIAN);
        MappedEntry entry = row(file);
        entry.readLongs(0, new long[1], 0, 1);
        file.close();
        file.close();
        assertEquals(0, file.mappedWindows());
        assertThrows(IllegalStateException.class, () -> entry.readLongs(0, new long[1], 0, 1));
    }

    @Test
    void aFileThatShrankIsAnErrorNotACrash() throws IOException {
        try (MappedFile file = file(0, ByteOrder.LITTLE_ENDIAN)) {
            MappedEntry entry = row(file);
            Files.write(file.path(), new byte[8]);
            IOException error =
                    assertThrows(IOException.class, () -> entry.readLongs(4000, new long[1], 0, 1));
            assertTrue(error.getMessage().contains("shorter now"), error.getMessage());
        }
    }

    @Test
    void rangesOutsideAreRefused() throws IOException {
        try (MappedFile file = file(0, ByteOrder.LITTLE_ENDIAN)) {
            MappedEntry entry = row(file);
            long[] ten = new long[10];
            assertThrows(IndexOutOfBoundsException.class, () -> entry.readLongs(-1, ten, 0, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> entry.readLongs(COUNT, ten, 0, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> entry.readLongs(0, ten, 5, 6));
            assertThrows(
                    IndexOutOfBoundsException.class, () -> entry.readBytes(0, new byte[7], 0, 2));
            assertThrows(CheckpointFormatException.class, () -> file.bytes(COUNT * 4L - 1, 2));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4})
    void aBufferGetsTheBytesThatAnArrayGets(int gap) throws IOException {
        TensorLayout transposed = new TensorLayout(List.of(50L, 100L), List.of(1L, 50L), 0);
        TensorLayout later = new TensorLayout(List.of(40L, 100L), List.of(100L, 1L), 1000);
        for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
            try (MappedFile file = file(gap, order)) {
                for (TensorLayout layout : List.of(transposed, later)) {
                    MappedEntry entry = entry(file, gap, order, layout);
                    byte[] expected = new byte[3000 * 4];
                    entry.readBytes(17, expected, 0, 3000);
                    ByteBuffer direct = ByteBuffer.allocateDirect(expected.length);
                    entry.readBytes(17, direct);
                    assertEquals(0, direct.remaining());
                    assertEquals(ByteBuffer.wrap(expected), direct.flip());
                }
            }
        }
    }

    @Test
    void aBufferOutsideTheTensorOrOfPartsOfElementsIsRefused() throws IOException {
        try (MappedFile file = file(0, ByteOrder.LITTLE_ENDIAN)) {
            MappedEntry entry = row(file, 0, ByteOrder.LITTLE_ENDIAN);
            ByteBuffer eight = ByteBuffer.allocate(8);
            assertThrows(IndexOutOfBoundsException.class, () -> entry.readBytes(COUNT - 1, eight));
            assertThrows(IndexOutOfBoundsException.class, () -> entry.readBytes(-1, eight));
            ByteBuffer seven = ByteBuffer.allocate(7);
            assertThrows(IllegalArgumentException.class, () -> entry.readBytes(0, seven));
        }
    }
}
