package dev.instaflow.train.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.tokenizer.TokenizerSettings;
import dev.instaflow.train.run.BundledEmoji;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Latents from the disk are those that the encoder makes, or an error. */
class LatentCacheTest {
    @TempDir Path folder;
    private CpuBackend backend;
    private CompVisView model;
    private AutoencoderKl vae;
    private ClipTokenizer tokenizer;
    private LatentCache cache;

    @BeforeEach
    void load() throws IOException {
        ModelConfig config = BundledEmoji.config(folder);
        BundledEmoji.copy("vocab.json", folder);
        BundledEmoji.copy("merges.txt", folder);
        backend = CpuBackend.open(CpuSettings.TRAINING);
        model = CompVisView.open(BundledEmoji.copy("model.ckpt", folder), WeightSet.PLAIN);
        vae = AutoencoderKl.load(backend, model, config.vae(), AutoencoderKl.Parts.BOTH);
        tokenizer =
                ClipTokenizer.load(
                        folder,
                        TokenizerSettings.tinyEmoji().withMaxLength(config.text().maxLength()));
        cache = new LatentCache(folder.resolve("cache"));
    }

    @AfterEach
    void close() throws IOException {
        vae.close();
        backend.close();
        model.close();
    }

    private LatentEncoder encoder(double scale) {
        LatentScale factor = new LatentScale(scale);
        return new LatentEncoder(backend, vae, factor, ColorFormat.RGBA_PREMULTIPLIED, tokenizer);
    }

    private List<EmojiRow> rows(int seed, int count) throws IOException {
        Random random = new Random(seed);
        List<EmojiRow> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[16 * 16 * 4];
            random.nextBytes(bytes);
            Path picture = folder.resolve("picture-" + seed + "-" + i + ".png");
            ImageFile.writePng(picture, Pixels.of(16, 16, bytes), Map.of());
            rows.add(
                    new EmojiRow(
                            i,
                            picture,
                            "кот " + i,
                            List.of("зверь"),
                            EmojiRow.Split.TRAIN,
                            Map.of()));
        }
        return rows;
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(cache.folder())) {
            return files.toList();
        }
    }

    @Test
    void latentsAreThoseOfTheEncoderBothTimes() throws IOException {
        List<EmojiRow> rows = rows(1, 19); // more than a batch
        LatentData expected = encoder(0.5).encode(rows);
        for (int time = 0; time < 2; time++) {
            LatentData data = cache.encode(encoder(0.5), rows);
            assertEquals(expected.digest(), data.digest());
            assertArrayEquals(expected.example(18).latent(), data.example(18).latent());
            assertEquals(1, files().size());
        }
    }

    @Test
    void otherPicturesAndScalesHaveFilesOfTheirOwn() throws IOException {
        LatentData first = cache.encode(encoder(1), rows(1, 3));
        assertNotEquals(first.digest(), cache.encode(encoder(1), rows(2, 3)).digest());
        assertNotEquals(first.digest(), cache.encode(encoder(2), rows(1, 3)).digest());
        assertEquals(3, files().size());
    }

    @Test
    void damagedFileIsRefused() throws IOException {
        List<EmojiRow> rows = rows(1, 3);
        cache.encode(encoder(1), rows);
        Path file = files().get(0);
        byte[] whole = Files.readAllBytes(file);
        byte[] damaged = whole.clone();
        damaged[whole.length - 5] ^= 1;
        Files.write(file, damaged);
        String message =
                assertThrows(CheckpointFormatException.class, () -> cache.encode(encoder(1), rows))
                        .getMessage();
        assertTrue(message.contains("delete it"), message);
    }
}
