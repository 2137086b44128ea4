package dev.instaflow.pipeline;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * SHA-256 of a file, or of all weight files of a folder in the order of their names. Computed when first asked
 * for, since a full-size model takes seconds. Thread-safe.
 */
final class FileHash {
    private final Path path;
    private String hex;

    FileHash(Path path) {
        this.path = path;
    }

    /** A hash that is known already. */
    static FileHash of(String hex) {
        FileHash hash = new FileHash(Path.of(""));
        hash.hex = hex;
        return hash;
    }

    /** In lower-case hexadecimal. */
    synchronized String get() {
        if (hex == null) {
            try {
                hex = compute();
            } catch (IOException e) {
                throw new UncheckedIOException(path + ": cannot be read any more", e);
            }
        }
        return hex;
    }

    private String compute() throws IOException {
        MessageDigest digest = sha256();
        for (Path file : files()) {
            try (InputStream in = Files.newInputStream(file)) {
                byte[] chunk = new byte[1 << 20];
                for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
                    digest.update(chunk, 0, n);
                }
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private List<Path> files() throws IOException {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> all = Files.walk(path)) {
            return all.filter(FileHash::holdsWeights).sorted().toList();
        }
    }

    private static boolean holdsWeights(Path file) {
        String name = file.getFileName().toString();
        return Files.isRegularFile(file)
                && (name.endsWith(".safetensors") || name.endsWith(".bin"));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
