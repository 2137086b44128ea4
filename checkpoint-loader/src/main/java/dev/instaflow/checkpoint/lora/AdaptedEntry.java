package dev.instaflow.checkpoint.lora;

import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.storage.ComputedEntry;
import java.io.IOException;
import java.lang.ref.SoftReference;
import java.util.Arrays;
import java.util.Objects;

/** A weight with a low-rank change added as it is read. Thread-safe while both files are open. */
final class AdaptedEntry extends ComputedEntry {
    private final Entry weight;
    private final LoraModule module;
    private final float scale;
    private final int width;

    /** A weight is read piece by piece, and its factors are small beside it. */
    private SoftReference<Factors> cached = new SoftReference<>(null);

    /** Both factors, row-major. */
    private record Factors(float[] down, float[] up) {}

    private AdaptedEntry(Entry weight, LoraModule module, float scale) {
        super(weight.name(), weight.shape());
        this.weight = weight;
        this.module = module;
        this.scale = scale;
        this.width = Math.toIntExact(weight.count() / weight.shape().get(0));
    }

    static Entry of(Entry weight, LoraModule module, float strength) {
        if (!module.fits(weight.shape())) {
            throw new IllegalArgumentException(
                    "LoRA of \"%s\" with down %s and up %s does not fit the weight %s"
                            .formatted(
                                    module.target(),
                                    module.down().shape(),
                                    module.up().shape(),
                                    weight.shape()));
        }
        return new AdaptedEntry(weight, module, (float) (strength * module.scale()));
    }

    @Override
    public void readFloats(long first, float[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        weight.readFloats(first, target, offset, length);
        Factors factors = factors();
        float[] change = new float[Math.min(width, length)];
        for (int done = 0; done < length; ) {
            int row = Math.toIntExact((first + done) / width);
            int column = (int) ((first + done) % width);
            int count = Math.min(width - column, length - done);
            change(factors, row, column, count, change);
            for (int i = 0; i < count; i++) {
                target[offset + done + i] += change[i];
            }
            done += count;
        }
    }

    /** Part of a row of {@code scale * up * down}, summed before it is rounded to the weight's size. */
    private void change(Factors factors, int row, int column, int count, float[] sum) {
        Arrays.fill(sum, 0, count, 0);
        int rank = module.rank();
        for (int r = 0; r < rank; r++) {
            addScaled(
                    factors.down,
                    r * width + column,
                    scale * factors.up[row * rank + r],
                    sum,
                    count);
        }
    }

    private static void addScaled(float[] from, int at, float factor, float[] to, int count) {
        for (int i = 0; i < count; i++) {
            to[i] += factor * from[at + i];
        }
    }

    private synchronized Factors factors() throws IOException {
        Factors known = cached.get();
        if (known == null) {
            known = new Factors(values(module.down()), values(module.up()));
            cached = new SoftReference<>(known);
        }
        return known;
    }

    private static float[] values(Entry entry) throws IOException {
        float[] values = new float[Math.toIntExact(entry.count())];
        entry.readFloats(0, values, 0, values.length);
        return values;
    }
}
