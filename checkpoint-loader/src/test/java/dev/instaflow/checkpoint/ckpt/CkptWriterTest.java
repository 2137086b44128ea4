package dev.instaflow.checkpoint.ckpt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Fixtures;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CkptWriterTest {
    private static final String TORCH_FILE = "unet64-fp16.ckpt";

    @TempDir private Path folder;

    private Path rewritten() throws IOException {
        Path target = folder.resolve("rewritten.ckpt");
        try (Checkpoint original = Checkpoint.open(Fixtures.path(TORCH_FILE))) {
            CkptWriter.write(target, original.entries(), original.metadata());
        }
        return target;
    }

    @Test
    void storagesAreStoredAndAlignedAsTorchAlignsThem() throws IOException {
        try (ZipFile zip = ZipFile.builder().setPath(rewritten()).get()) {
            int storages = 0;
            for (ZipArchiveEntry entry : Collections.list(zip.getEntries())) {
                assertEquals(ZipArchiveEntry.STORED, entry.getMethod());
                if (entry.getName().startsWith("archive/data/")) {
                    assertEquals(0, entry.getDataOffset() % 64, entry.getName());
                    storages++;
                }
            }
            try (Checkpoint original = Checkpoint.open(Fixtures.path(TORCH_FILE))) {
                assertEquals(original.entries().size(), storages);
            }
        }
    }

    @Test
    void markersEqualThoseThatTorchWrites() throws IOException {
        try (ZipFile ours = ZipFile.builder().setPath(rewritten()).get();
                ZipFile torch = ZipFile.builder().setPath(Fixtures.path(TORCH_FILE)).get()) {
            for (String marker : List.of("version", "byteorder")) {
                assertArrayEquals(
                        bytes(torch, "unet64-fp16/" + marker), bytes(ours, "archive/" + marker));
            }
        }
    }

    @Test
    void everyChecksumIsThatOfItsBytes() throws IOException {
        try (ZipFile zip = ZipFile.builder().setPath(rewritten()).get()) {
            for (ZipArchiveEntry entry : Collections.list(zip.getEntries())) {
                CRC32 crc = new CRC32();
                crc.update(bytes(zip, entry.getName()));
                assertEquals(crc.getValue(), entry.getCrc(), entry.getName());
            }
        }
    }

    @Test
    void sameInputGivesSameBytes() throws IOException {
        byte[] first = Files.readAllBytes(rewritten());
        assertArrayEquals(first, Files.readAllBytes(rewritten()));
    }

    @Test
    void extrasComeBack() throws IOException {
        Map<String, Object> extras = new LinkedHashMap<>();
        extras.put("global_step", 470000L);
        extras.put("small", -3L);
        extras.put("large", 1L << 40);
        extras.put("loss", 0.125);
        extras.put("done", true);
        extras.put("note", "\u0441\u0435\u0440\u0434\u0446\u0435 \u2764");
        Map<String, Object> nested = new LinkedHashMap<>(extras);
        nested.put("config", Map.of("sizes", List.of(1L, 2L, "three")));
        Path target = folder.resolve("extras.ckpt");
        CkptWriter.write(target, List.of(), nested);
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            assertEquals(extras, checkpoint.metadata());
            assertEquals(0, checkpoint.entries().size());
        }
    }

    @Test
    void refusesWhatItCannotWrite() {
        Path target = folder.resolve("bad.ckpt");
        Entry entry = HeapEntry.ofFloats("a", List.of(1L), 1f);
        assertThrows(
                IllegalArgumentException.class,
                () -> CkptWriter.write(target, List.of(entry, entry), Map.of()));
        assertThrows(
                IllegalArgumentException.class,
                () -> CkptWriter.write(target, List.of(), Map.of("state_dict", 1)));
        assertThrows(
                IllegalArgumentException.class,
                () -> CkptWriter.write(target, List.of(), Map.of("x", new Object())));
    }

    private static byte[] bytes(ZipFile zip, String name) throws IOException {
        try (InputStream in = zip.getInputStream(zip.getEntry(name))) {
            return in.readAllBytes();
        }
    }
}
