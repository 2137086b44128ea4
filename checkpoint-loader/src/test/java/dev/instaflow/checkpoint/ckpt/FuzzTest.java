package dev.instaflow.checkpoint.ckpt;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Checkpoints;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files load or are refused, nothing else. {@code -Dinstaflow.fuzz.cases=N} runs longer, {@code
 * -Dinstaflow.fuzz.seed=S} repeats a run; a failing file is kept in {@code target/}.
 */
class FuzzTest {
    private static final long DEFAULT_SEED = 20260;

    /** A case takes about 2 ms; only a loop that a file controls comes near this. */
    private static final long LONGEST_SECONDS = 10;

    /** Leaves out the files that inflate to megabytes, which the test of hostile files has. */
    private static final int LARGEST_SEED_FILE = 10_000;

    private static final String INFLATES = "deflated";

    @TempDir private Path folder;

    @Test
    void damagedFilesLoadOrAreRefused() throws IOException {
        int cases = Integer.getInteger("instaflow.fuzz.cases", 2000);
        long seed = Long.getLong("instaflow.fuzz.seed", DEFAULT_SEED);
        FileMutator mutator = new FileMutator(new Random(seed), seedFiles());
        Path path = folder.resolve("fuzz.bin");
        int loaded = 0;
        for (int i = 0; i < cases; i++) {
            byte[] bytes = mutator.next();
            Files.write(path, bytes);
            long start = System.nanoTime();
            try {
                loaded += loads(path) ? 1 : 0;
                long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
                assertTrue(seconds < LONGEST_SECONDS, () -> "took " + seconds + " s");
            } catch (IOException | RuntimeException | Error e) {
                Path kept = Path.of("target", "fuzz-" + seed + "-" + i + ".bin");
                Files.write(kept, bytes);
                fail("seed " + seed + ", case " + i + ", file kept as " + kept, e);
            }
        }
        // A mutator whose files are all refused at the door would test nothing behind it.
        assertTrue(loaded > cases / 50, loaded + " of " + cases + " loaded");
        assertTrue(loaded < cases, "nothing was refused");
    }

    private static boolean loads(Path path) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            for (Entry entry : checkpoint.entries()) {
                Checkpoints.readEnds(entry);
            }
            checkpoint.verify();
            return true;
        } catch (CheckpointFormatException e) {
            return false;
        }
    }

    private static List<byte[]> seedFiles() throws IOException {
        List<byte[]> files = new ArrayList<>();
        for (String folder : List.of("formats", "hostile")) {
            String manifest = folder.equals("formats") ? "expected.json" : "manifest.json";
            for (JsonNode item : Fixtures.cases(folder + "/" + manifest)) {
                if (item.path("attack").asText().contains(INFLATES)) {
                    continue;
                }
                byte[] bytes =
                        Files.readAllBytes(Fixtures.path(folder + "/" + item.get("file").asText()));
                int copies = folder.equals("formats") ? 8 : 1; // valid files lead further inside
                for (int i = 0; i < copies && bytes.length < LARGEST_SEED_FILE; i++) {
                    files.add(bytes);
                }
            }
        }
        return files;
    }
}
