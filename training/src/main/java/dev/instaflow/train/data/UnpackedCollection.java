package dev.instaflow.train.data;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/**
 * The files of a tar.xz in a temporary folder, which goes away on closing. Small pictures that are alike
 * take half the room of a zip this way, but cannot be read one by one.
 */
final class UnpackedCollection implements Closeable {
    static final String SUFFIX = ".tar.xz";

    private static final int MOST_FILES = 200_000;
    private static final long MOST_BYTES = 4L << 30;
    private static final int MOST_DICTIONARY_KIB = 256 << 10;

    private final Path archive;
    private final Path folder;
    private int files;
    private long bytes;

    private UnpackedCollection(Path archive, Path folder) {
        this.archive = archive;
        this.folder = folder;
    }

    /**
     * Unpacks plain files; links and devices are refused, as are names that lead elsewhere.
     *
     * @throws IOException if the archive is damaged, too large or not a tar.xz
     */
    static UnpackedCollection of(Path archive) throws IOException {
        UnpackedCollection unpacked =
                new UnpackedCollection(archive, Files.createTempDirectory("emoji-collection"));
        try (InputStream file = new BufferedInputStream(Files.newInputStream(archive));
                InputStream plain =
                        XZCompressorInputStream.builder()
                                .setInputStream(file)
                                .setDecompressConcatenated(true)
                                .setMemoryLimitKiB(MOST_DICTIONARY_KIB)
                                .get();
                TarArchiveInputStream tar = new TarArchiveInputStream(plain)) {
            unpacked.unpack(tar);
            return unpacked;
        } catch (IOException | RuntimeException e) {
            unpacked.close();
            throw new IOException(archive + ": cannot be unpacked: " + e.getMessage(), e);
        }
    }

    Path folder() {
        return folder;
    }

    private void unpack(TarArchiveInputStream tar) throws IOException {
        for (TarArchiveEntry entry = tar.getNextEntry();
                entry != null;
                entry = tar.getNextEntry()) {
            if (entry.isDirectory()) {
                continue;
            }
            if (!entry.isFile() || entry.isLink() || entry.isSymbolicLink()) {
                throw new IOException("\"" + entry.getName() + "\" is no plain file");
            }
            count(entry);
            Path target = inside(entry.getName());
            Files.createDirectories(target.getParent());
            try (OutputStream out = Files.newOutputStream(target)) {
                tar.transferTo(out);
            }
        }
    }

    /** Tar's sizes are true ones: what follows the header is cut there. */
    private void count(TarArchiveEntry entry) throws IOException {
        files++;
        bytes += entry.getSize();
        if (files > MOST_FILES || bytes > MOST_BYTES) {
            throw new IOException(
                    "more than %d files or %d bytes; unpack it to a folder yourself if it is trusted"
                            .formatted(MOST_FILES, MOST_BYTES));
        }
    }

    private Path inside(String name) throws IOException {
        try {
            Path target = folder.resolve(name).normalize();
            if (target.startsWith(folder) && !target.equals(folder)) {
                return target;
            }
        } catch (InvalidPathException e) {
            throw new IOException("\"" + name + "\" is no file name", e);
        }
        throw new IOException("\"" + name + "\" leads out of the archive");
    }

    @Override
    public void close() throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> all = Files.walk(folder)) {
            deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : deepestFirst) {
            Files.deleteIfExists(path);
        }
    }

    @Override
    public String toString() {
        return archive + " in " + folder;
    }
}
