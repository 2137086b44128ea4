package dev.instaflow.train.data;

import dev.instaflow.backend.Backend;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.image.Pixels;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.vae.AutoencoderKl;
import dev.instaflow.vae.Posterior;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Turns pictures and captions into what networks see, once, before training. A latent is the mean of its
 * distribution: with few pictures a spread would only blur them.
 *
 * @param backend computes
 * @param vae has its encoder
 * @param scale between its latents and the network's
 * @param format of the pictures
 * @param tokenizer of the captions
 */
public record LatentEncoder(
        Backend backend,
        AutoencoderKl vae,
        LatentScale scale,
        ColorFormat format,
        ClipTokenizer tokenizer) {
    private static final int BATCH = 16;

    /**
     * Encodes rows of a collection.
     *
     * @param rows whose pictures all have one size; each gets as captions its text and, if it has tags,
     *     the text with all tags and every single tag
     * @return an example a row
     * @throws IOException if a picture cannot be read
     */
    public LatentData encode(List<EmojiRow> rows) throws IOException {
        return withCaptions(rows, latents(rows));
    }

    /** Latents without captions: [h,w,C], and the values of all, one after the other. */
    record Latents(Shape sample, float[] values) {}

    Latents latents(List<EmojiRow> rows) throws IOException {
        Optional<Shape> sample = Optional.empty();
        float[] values = new float[0];
        for (int from = 0; from < rows.size(); from += BATCH) {
            List<EmojiRow> some = rows.subList(from, Math.min(rows.size(), from + BATCH));
            try (Scope scope = backend.openScope("encode pictures")) {
                Ops ops = scope.ops();
                Posterior posterior = vae.encode(ops, images(ops, some), BlockMonitor.NONE);
                float[] latents = ops.toArray(scale.toLatent(ops, posterior.mode(ops)));
                Shape shape = posterior.shape();
                if (sample.isEmpty()) {
                    int size = latents.length / some.size();
                    values = new float[Math.multiplyExact(rows.size(), size)];
                    sample = Optional.of(Shape.of(shape.size(1), shape.size(2), shape.size(3)));
                }
                int at = Math.multiplyExact(from, Math.toIntExact(sample.get().count()));
                System.arraycopy(latents, 0, values, at, latents.length);
            }
        }
        return new Latents(
                sample.orElseThrow(() -> new IllegalArgumentException("no rows to encode")),
                values);
    }

    LatentData withCaptions(List<EmojiRow> rows, Latents latents) {
        int size = Math.toIntExact(latents.sample.count());
        List<LatentData.Example> examples = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            float[] latent = Arrays.copyOfRange(latents.values, i * size, (i + 1) * size);
            examples.add(new LatentData.Example(latent, Optional.empty(), captions(rows.get(i))));
        }
        return new LatentData(latents.sample, examples);
    }

    private Tensor images(Ops ops, List<EmojiRow> rows) throws IOException {
        Pixels first = EmojiDataset.pixels(rows.get(0));
        int size = first.width() * first.height() * format.channels();
        float[] all = new float[Math.multiplyExact(size, rows.size())];
        for (int i = 0; i < rows.size(); i++) {
            Pixels pixels = EmojiDataset.pixels(rows.get(i));
            if (pixels.width() != first.width() || pixels.height() != first.height()) {
                throw new IOException(
                        "%s: %dx%d pixels among pictures of %dx%d; resize them first"
                                .formatted(
                                        rows.get(i).picture(),
                                        pixels.width(),
                                        pixels.height(),
                                        first.width(),
                                        first.height()));
            }
            System.arraycopy(pixels.toEncoder(format), 0, all, i * size, size);
        }
        Shape shape = Shape.of(rows.size(), first.height(), first.width(), format.channels());
        return ops.tensor("pictures", shape, all);
    }

    private List<int[]> captions(EmojiRow row) {
        List<String> texts = new ArrayList<>(List.of(row.text()));
        if (!row.tags().isEmpty()) {
            texts.add(row.text() + ", " + String.join(", ", row.tags()));
            texts.addAll(row.tags());
        }
        return texts.stream().map(this::ids).toList();
    }

    /**
     * Token ids of a caption, padded.
     *
     * @param caption may be empty
     * @return as many as the text encoder takes
     */
    public int[] ids(String caption) {
        return tokenizer.encode(caption).ids();
    }
}
