package dev.instaflow.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTest {
    /** Written by NumPy. */
    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    @TempDir Path folder;

    @Test
    void readsFloatsOfNumPy() throws IOException {
        Npy t = Npy.read(GOLDEN.resolve("unet_t500p5/t.npy"));
        assertEquals(Shape.of(1), t.shape());
        assertEquals(DType.F32, t.dtype());
        assertArrayEquals(new float[] {500.5f}, t.floats());
    }

    @Test
    void readsIntegersOfNumPy() throws IOException {
        Npy ids = Npy.read(GOLDEN.resolve("text_0/ids.npy"));
        assertEquals(Shape.of(1, 77), ids.shape());
        assertEquals(49406, ids.ints()[0]);
        assertEquals(49407, ids.ints()[76]);
        assertThrows(IllegalStateException.class, ids::floats);
    }

    @ParameterizedTest
    @ValueSource(strings = {"unet_t0/t.npy", "unet_t0/x.npy", "unet_t0/context.npy"})
    void writesTheSameBytesAsNumPy(String file) throws IOException {
        Npy original = Npy.read(GOLDEN.resolve(file));
        Path copy = folder.resolve("copy.npy");
        Npy.of(original.shape(), original.floats()).write(copy);
        assertArrayEquals(Files.readAllBytes(GOLDEN.resolve(file)), Files.readAllBytes(copy));
        try (var files = Files.list(folder)) {
            assertEquals(List.of(copy), files.toList(), "the temporary file is gone");
        }
    }

    @Test
    void writesAndReadsScalars() throws IOException {
        Path file = folder.resolve("scalar.npy");
        Npy.of(Shape.of(), new float[] {-0.5f}).write(file);
        assertEquals(Shape.of(), Npy.read(file).shape());
        assertArrayEquals(new float[] {-0.5f}, Npy.read(file).floats());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n",
                "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }\n",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }\n",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1,), }\n",
                "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
                "{'descr': '<f4', 'shape': (1,), }\n",
                "__import__('os').system('true')\n",
                ""
            })
    void refusesOtherHeadersNamingTheFile(String header) throws IOException {
        Path file = write(header.length(), header, 4);
        String message = assertThrows(NpyFormatException.class, () -> Npy.read(file)).getMessage();
        assertTrue(message.startsWith(file.toString()), message);
    }

    @Test
    void refusesFilesCutAnywhere() throws IOException {
        byte[] whole = Files.readAllBytes(GOLDEN.resolve("unet_t0/t.npy"));
        Path file = folder.resolve("cut.npy");
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThrows(NpyFormatException.class, () -> Npy.read(file), "cut at " + length);
        }
        Files.write(file, Arrays.copyOf(whole, whole.length + 1));
        assertThrows(NpyFormatException.class, () -> Npy.read(file), "one byte too many");
    }

    @Test
    void refusesHeaderLongerThanTheFile() throws IOException {
        Path file = write(0xffff, "{'descr': '<f4'", 0);
        assertThrows(NpyFormatException.class, () -> Npy.read(file));
    }

    private Path write(int headerLength, String header, int dataBytes) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
        byte[] file = new byte[10 + text.length + dataBytes];
        byte[] start = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
        System.arraycopy(start, 0, file, 0, start.length);
        file[8] = (byte) headerLength;
        file[9] = (byte) (headerLength >> 8);
        System.arraycopy(text, 0, file, 10, text.length);
        Path path = folder.resolve("made.npy");
        Files.write(path, file);
        return path;
    }
}
