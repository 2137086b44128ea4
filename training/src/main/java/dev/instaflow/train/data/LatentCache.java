package dev.instaflow.train.data;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Latents on the disk, so that pictures are encoded once and not at each start. A file belongs to the encoder's
 * weights, the scale, the colour format and the bytes of all pictures in their order, and is found by the hash of
 * these; captions are not in it. Files appear whole or not at all, and what is read is compared with its hash. The
 * backend is not part of the key: a run that goes on elsewhere sees the latents that it began with.
 *
 * @param folder for the files; made if it is not there
 */
public record LatentCache(Path folder) {
    private static final String FORMAT = "instaflow latents 1";
    private static final String TENSOR = "latents";
    private static final String KEY = "key";
    private static final String HASH = "sha256";
    private static final int NAME_DIGITS = 16;

    /**
     * The rows as {@link LatentEncoder#encode} gives them, encoded only if they are not there yet.
     *
     * @param encoder makes what is missing, and the captions
     * @param rows whose pictures all have one size
     * @return an example a row
     * @throws CheckpointFormatException if the file is damaged or of other pictures; the message says what to do
     * @throws IOException if a picture or the file cannot be read or written
     */
    public LatentData encode(LatentEncoder encoder, List<EmojiRow> rows) throws IOException {
        String key = key(encoder, rows);
        Path file = file(key);
        if (!Files.exists(file)) {
            Files.createDirectories(folder);
            write(file, key, rows.size(), encoder.latents(rows));
        }
        return encoder.withCaptions(rows, read(file, key, rows.size()));
    }

    private Path file(String key) {
        return folder.resolve("latents-" + key.substring(0, NAME_DIGITS) + ".safetensors");
    }

    private static String key(LatentEncoder encoder, List<EmojiRow> rows) throws IOException {
        ContentDigest digest = new ContentDigest().add(FORMAT);
        digest.add(
                WeightsDigest.of(
                        encoder.backend(),
                        encoder.vae().weights(),
                        name -> name.startsWith("encoder.") || name.startsWith("quant_conv.")));
        digest.add(Double.doubleToLongBits(encoder.scale().factor()));
        digest.add(encoder.format().name()).add(rows.size());
        for (EmojiRow row : rows) {
            digest.add(Files.readAllBytes(row.picture()));
        }
        return digest.hex();
    }

    private static void write(Path file, String key, int rows, LatentEncoder.Latents latents)
            throws IOException {
        Shape sample = latents.sample();
        List<Long> shape = List.of((long) rows, sample.size(0), sample.size(1), sample.size(2));
        SafetensorsWriter.write(
                file,
                List.of(HeapEntry.ofFloats(TENSOR, shape, latents.values())),
                Map.of(KEY, key, HASH, new ContentDigest().add(latents.values()).hex()));
    }

    private static LatentEncoder.Latents read(Path file, String key, int rows) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Entry entry = checkpoint.find(TENSOR).orElseThrow(() -> damaged(file, "no latents"));
            List<Long> shape = entry.shape();
            if (!key.equals(checkpoint.metadata().get(KEY))
                    || shape.size() != 4
                    || shape.get(0) != rows) {
                throw damaged(file, "it is not of these pictures and this encoder");
            }
            float[] values = new float[Math.toIntExact(entry.count())];
            entry.readFloats(0, values, 0, values.length);
            String hash = new ContentDigest().add(values).hex();
            if (!hash.equals(checkpoint.metadata().get(HASH))) {
                throw damaged(file, "the SHA-256 of its values differs");
            }
            return new LatentEncoder.Latents(
                    Shape.of(shape.get(1), shape.get(2), shape.get(3)), values);
        }
    }

    private static CheckpointFormatException damaged(Path file, String what) {
        return new CheckpointFormatException(
                file + ": " + what + "; delete it to have the pictures encoded again");
    }
}
