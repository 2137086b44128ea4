package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.storage.MappedFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * The entries of a zip, checked: names are distinct and plain, every entry lies inside the file before
 * the directory, no two overlap, and the local headers agree with the directory.
 */
final class ZipDirectory {
    private static final int LOCAL_SIGNATURE = 0x04034b50;
    private static final int LOCAL_BYTES = 30;
    private static final int ENCRYPTED = 1;
    private static final int STORED = 0;
    private static final int DEFLATED = 8;

    /** A checkpoint has one entry a tensor; the largest known have 3,000. */
    private static final int MOST_ENTRIES = 100_000;

    private static final long MOST_DIRECTORY_BYTES = 32L << 20;

    private final MappedFile file;
    private final Map<String, Item> items;

    /**
     * One entry.
     *
     * @param name as in the zip
     * @param method 0 stored, 8 deflated, other
     * @param headerPosition of the local header
     * @param position of the first data byte
     * @param storedBytes length in the file
     * @param sizeBytes length once inflated
     * @param crc of the inflated bytes
     */
    record Item(
            String name,
            int method,
            long headerPosition,
            long position,
            long storedBytes,
            long sizeBytes,
            long crc) {
        boolean isStored() {
            return method == STORED;
        }
    }

    private ZipDirectory(MappedFile file, Map<String, Item> items) {
        this.file = file;
        this.items = items;
    }

    /** Reads the directory and all local headers. */
    static ZipDirectory read(MappedFile file) throws IOException {
        Optional<ZipTail> found = ZipTail.find(file);
        if (found.isEmpty()) {
            throw new CheckpointFormatException(
                    file.path() + ": " + ZipReport.cutOff(file) + "; fetch it again");
        }
        ZipTail tail = found.get();
        if (tail.entryCount() > MOST_ENTRIES || tail.directoryBytes() > MOST_DIRECTORY_BYTES) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": the zip's directory claims "
                            + tail.entryCount()
                            + " entries in "
                            + tail.directoryBytes()
                            + " bytes, at most "
                            + MOST_ENTRIES
                            + " and "
                            + MOST_DIRECTORY_BYTES
                            + " are allowed");
        }
        Map<String, Item> items = new LinkedHashMap<>();
        List<ZipArchiveEntry> entries = entries(file);
        if (entries.size() != tail.entryCount()) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": the zip's end record promises "
                            + tail.entryCount()
                            + " entries, its directory has "
                            + entries.size());
        }
        for (ZipArchiveEntry entry : entries) {
            Item item = item(file, entry, tail);
            if (items.put(item.name(), item) != null) {
                throw error(file, item.name(), "duplicate entry: two have this name");
            }
        }
        requireDisjoint(file, items.values());
        return new ZipDirectory(file, Collections.unmodifiableMap(items));
    }

    private static List<ZipArchiveEntry> entries(MappedFile file) throws IOException {
        try (ZipFile zip =
                ZipFile.builder()
                        .setPath(file.path())
                        .setIgnoreLocalFileHeader(true)
                        .setUseUnicodeExtraFields(false)
                        .get()) {
            return Collections.list(zip.getEntries());
        } catch (IOException | RuntimeException e) { // what the library throws is not documented
            Throwable root = e;
            while (root.getCause() != null) {
                root = root.getCause();
            }
            throw new CheckpointFormatException(
                    file.path()
                            + ": the zip's directory cannot be read: "
                            + Escaped.plain(String.valueOf(root.getMessage())),
                    e);
        }
    }

    private static Item item(MappedFile file, ZipArchiveEntry entry, ZipTail tail)
            throws IOException {
        String name = entry.getName();
        requirePlainName(file, name);
        if ((entry.getRawFlag() & ENCRYPTED) != 0) {
            throw error(file, name, "is encrypted; torch never does that");
        }
        byte[] rawName = entry.getRawName();
        long header = entry.getLocalHeaderOffset();
        long end = tail.directoryPosition();
        if (header < 0 || header > end - LOCAL_BYTES - rawName.length) {
            throw error(
                    file,
                    name,
                    "starts at byte " + header + ", past the data, which ends at " + end);
        }
        ByteBuffer local =
                ByteBuffer.wrap(file.bytes(header, LOCAL_BYTES + rawName.length))
                        .order(ByteOrder.LITTLE_ENDIAN);
        if (local.getInt(0) != LOCAL_SIGNATURE) {
            throw error(file, name, "has no local header at byte " + header);
        }
        int nameBytes = local.getShort(26) & 0xffff;
        long position = header + LOCAL_BYTES + nameBytes + (local.getShort(28) & 0xffff);
        long stored = entry.getCompressedSize();
        if (stored < 0 || entry.getSize() < 0 || position > end - stored) {
            throw error(
                    file,
                    name,
                    "claims "
                            + stored
                            + " bytes at byte "
                            + position
                            + ", past the data, which ends at "
                            + end);
        }
        boolean sameName =
                nameBytes == rawName.length
                        && local.position(LOCAL_BYTES).equals(ByteBuffer.wrap(rawName));
        if (!sameName) {
            throw error(
                    file,
                    name,
                    "overlaps another: the local header at byte " + header + " has another name");
        }
        if (entry.getMethod() == STORED && stored != entry.getSize()) {
            throw error(
                    file, name, "is stored in " + stored + " bytes but claims " + entry.getSize());
        }
        return new Item(
                name, entry.getMethod(), header, position, stored, entry.getSize(), entry.getCrc());
    }

    /** Nothing is ever unpacked, but a name that would climb out of a folder is an attack. */
    private static void requirePlainName(MappedFile file, String name)
            throws CheckpointFormatException {
        boolean climbs =
                name.startsWith("/")
                        || name.indexOf('\\') >= 0
                        || List.of(name.split("/", -1)).contains("..");
        if (climbs || name.isEmpty()) {
            throw error(file, name, "entry name reaches outside of the zip");
        }
    }

    private static void requireDisjoint(MappedFile file, Collection<Item> items)
            throws CheckpointFormatException {
        List<Item> inOrder = new ArrayList<>(items);
        inOrder.sort(Comparator.comparingLong(Item::headerPosition));
        for (int i = 1; i < inOrder.size(); i++) {
            Item before = inOrder.get(i - 1);
            Item item = inOrder.get(i);
            if (before.position() + before.storedBytes() > item.headerPosition()) {
                throw error(file, item.name(), "overlaps " + Escaped.quote(before.name()));
            }
        }
    }

    Collection<Item> items() {
        return items.values();
    }

    Optional<Item> find(String name) {
        return Optional.ofNullable(items.get(name));
    }

    /** The whole of a small entry, inflated if need be, its CRC checked. */
    byte[] bytes(Item item, int most) throws IOException {
        if (item.sizeBytes() > most || item.storedBytes() > most) {
            throw error(
                    file,
                    item.name(),
                    "has " + item.sizeBytes() + " bytes, at most " + most + " are allowed");
        }
        byte[] stored = file.bytes(item.position(), (int) item.storedBytes());
        byte[] bytes = item.isStored() ? stored : inflated(item, stored);
        CRC32 crc = new CRC32();
        crc.update(bytes);
        requireCrc(item, crc.getValue());
        return bytes;
    }

    private byte[] inflated(Item item, byte[] stored) throws IOException {
        if (item.method() != DEFLATED) {
            throw unknownMethod(item);
        }
        Inflater inflater = new Inflater(true);
        int size = (int) item.sizeBytes();
        try (InputStream in =
                new InflaterInputStream(new ByteArrayInputStream(stored), inflater, 8192)) {
            byte[] bytes = in.readNBytes(size);
            if (bytes.length == size && in.read() < 0) {
                return bytes;
            }
        } catch (IOException e) {
            throw new CheckpointFormatException(
                    error(file, item.name(), "is not deflated data").getMessage(), e);
        } finally {
            inflater.end();
        }
        throw error(file, item.name(), "does not inflate to the " + size + " bytes it claims");
    }

    /** Reads a stored entry of any size and compares its CRC. */
    void verify(Item item) throws IOException {
        CRC32 crc = new CRC32();
        file.forEachByte(item.position(), item.storedBytes(), crc::update);
        requireCrc(item, crc.getValue());
    }

    CheckpointFormatException unknownMethod(Item item) {
        return error(
                file,
                item.name(),
                "has compression method "
                        + item.method()
                        + ", expected 0 (stored), as torch writes");
    }

    void requireCrc(Item item, long crc) throws CheckpointFormatException {
        if (crc != item.crc()) {
            throw error(
                    file,
                    item.name(),
                    String.format(
                            "has CRC %08x, the directory says %08x: the file is damaged; fetch it"
                                    + " again",
                            crc, item.crc()));
        }
    }

    CheckpointFormatException error(String entry, String problem) {
        return error(file, entry, problem);
    }

    private static CheckpointFormatException error(MappedFile file, String entry, String problem) {
        return new CheckpointFormatException(
                file.path() + ": zip entry " + Escaped.quote(entry) + " " + problem);
    }
}
