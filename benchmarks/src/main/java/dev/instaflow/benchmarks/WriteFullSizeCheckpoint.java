package dev.instaflow.benchmarks;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.storage.ConvertedEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes a checkpoint of Stable Diffusion 1.5's size with seeded random weights, so that anyone can measure
 * full size: {@code java -cp benchmarks.jar dev.instaflow.benchmarks.WriteFullSizeCheckpoint FILE [f32|f16]
 * [SEED]}. 4.27 GB in F32, 2.13 GB in F16; the same arguments give the same bytes.
 */
public final class WriteFullSizeCheckpoint {
    private static final long DEFAULT_SEED = 20260501;
    private static final int BAD_USAGE = 2;

    private WriteFullSizeCheckpoint() {}

    /**
     * Writes the file.
     *
     * @param args the file, then optionally the element type and the seed
     * @throws IOException if it cannot be written
     */
    public static void main(String... args) throws IOException {
        if (args.length < 1 || args.length > 3) {
            System.err.println("usage: WriteFullSizeCheckpoint FILE [f32|f16] [SEED]");
            System.exit(BAD_USAGE);
        }
        Path target = Path.of(args[0]);
        DType dtype = args.length > 1 ? DType.valueOf(args[1].toUpperCase(Locale.ROOT)) : DType.F32;
        long seed = args.length > 2 ? Long.parseLong(args[2]) : DEFAULT_SEED;
        long start = System.nanoTime();
        write(target, dtype, seed);
        System.out.printf(
                "%s: %d bytes, %.1f s%n",
                target, Files.size(target), (System.nanoTime() - start) * 1e-9);
    }

    private static void write(Path target, DType dtype, long seed) throws IOException {
        List<Entry> tensors =
                RandomStableDiffusion.tensors(seed).stream()
                        .map(entry -> isFloat(entry) ? ConvertedEntry.of(entry, dtype) : entry)
                        .toList();
        CkptWriter.write(target, tensors, Map.of("global_step", 0, "epoch", 0));
    }

    private static boolean isFloat(Entry entry) {
        return entry.dtype().isFloat();
    }
}
