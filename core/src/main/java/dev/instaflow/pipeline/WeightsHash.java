package dev.instaflow.pipeline;

import dev.instaflow.checkpoint.inspect.FileHash;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * SHA-256 of a model: of its file, or of a list of the hashes of a folder's weight files in the order of their
 * names; LoRAs change it. Computed when first asked for, since a full-size model takes seconds. Thread-safe.
 */
final class WeightsHash {
    private final Path model;
    private final List<AddedLora> loras;
    private String hex;

    WeightsHash(Path model, List<AddedLora> loras) {
        this.model = model;
        this.loras = loras;
    }

    /** In lower-case hexadecimal. */
    synchronized String get() {
        if (hex == null) {
            try {
                String plain = Files.isDirectory(model) ? ofFolder() : FileHash.sha256(model);
                hex = loras.isEmpty() ? plain : withLoras(plain);
            } catch (IOException e) {
                throw new UncheckedIOException(model + ": cannot be read any more", e);
            }
        }
        return hex;
    }

    private String ofFolder() throws IOException {
        StringBuilder hashes = new StringBuilder();
        for (Path file : weightFiles()) {
            hashes.append(FileHash.sha256(file)).append('\n');
        }
        return ofList(hashes);
    }

    /** With LoRAs it is that of a list: the model's hash, then each file's with its strength. */
    private String withLoras(String plain) throws IOException {
        StringBuilder list = new StringBuilder(plain).append('\n');
        for (AddedLora lora : loras) {
            list.append(FileHash.sha256(lora.file())).append(' ').append(lora.strength());
            list.append('\n');
        }
        return ofList(list);
    }

    private static String ofList(CharSequence hashes) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] list = hashes.toString().getBytes(StandardCharsets.US_ASCII);
            return HexFormat.of().formatHex(digest.digest(list));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private List<Path> weightFiles() throws IOException {
        try (Stream<Path> all = Files.walk(model)) {
            return all.filter(WeightsHash::holdsWeights).sorted().toList();
        }
    }

    private static boolean holdsWeights(Path file) {
        String name = file.getFileName().toString();
        return Files.isRegularFile(file)
                && (name.endsWith(".safetensors") || name.endsWith(".bin"));
    }
}
