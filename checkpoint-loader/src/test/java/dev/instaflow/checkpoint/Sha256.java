package dev.instaflow.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** Checksums of values as stored: how the fixtures identify the tensors of an original file. */
public final class Sha256 {
    private Sha256() {}

    public static String of(Entry entry) throws IOException {
        byte[] bytes = new byte[Math.toIntExact(entry.sizeBytes())];
        entry.readBytes(0, bytes, 0, Math.toIntExact(entry.count()));
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Type, shape and checksum of every tensor of a file or folder, by name. */
    public static Map<String, String> contents(Path path) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            for (Entry entry : checkpoint.entries()) {
                contents.put(entry.name(), entry.dtype() + " " + entry.shape() + of(entry));
            }
        }
        return contents;
    }
}
