package dev.instaflow.model;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** The small random model that the goldens were computed with, in half precision without loss. */
public final class TinyModel {
    private static final Path FOLDER = Path.of("../checkpoint-loader/src/test/resources");

    public static final Path FILE = FOLDER.resolve("tiny-fp16.ckpt");

    /** A UNet alone, whose norms have more than one channel a group and so see the time label. */
    public static final Path UNET64_FILE = FOLDER.resolve("unet64-fp16.ckpt");

    public static final UNetConfig UNET =
            new UNetConfig(4, 4, 32, List.of(1, 1, 1, 2), 2, Set.of(1, 2, 4), 8, 1, 16, 32, 8);
    public static final UNetConfig UNET64 =
            new UNetConfig(4, 4, 64, List.of(1), 1, Set.of(1), 2, 1, 16, 32, 12);
    public static final VaeConfig VAE =
            new VaeConfig(32, List.of(1, 1, 1, 2), 1, 4, 4, 3, 3, 32, 8);
    public static final ClipTextConfig TEXT =
            new ClipTextConfig(49408, 16, 3, 4, 64, 77, ClipTextConfig.EPS);

    private TinyModel() {}

    public static Checkpoint open() throws IOException {
        return Checkpoint.open(FILE);
    }
}
