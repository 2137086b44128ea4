package dev.instaflow.checkpoint.inspect;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Checksums of files, as model pages publish them. */
public final class FileHash {
    private static final int BUFFER_BYTES = 1 << 20;

    private FileHash() {}

    /**
     * SHA-256 of a file's content.
     *
     * @param file a regular file
     * @return 64 lower-case hexadecimal digits
     * @throws IOException if it cannot be read
     */
    public static String sha256(Path file) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            while (in.read(buffer) >= 0) {
                // The digest sees what is read.
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /**
     * What tells a model in the metadata of what is made of it.
     *
     * @param model a file or folder
     * @return the last part of its path and, for a file, its hash
     * @throws IOException if it cannot be read
     */
    public static String named(Path model) throws IOException {
        String name = model.toAbsolutePath().getFileName().toString();
        return Files.isDirectory(model) ? name : name + " sha-256 " + sha256(model);
    }
}
