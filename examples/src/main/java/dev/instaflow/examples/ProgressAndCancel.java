package dev.instaflow.examples;

import dev.instaflow.pipeline.CancelToken;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.Progress;
import dev.instaflow.pipeline.RunControl;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;

/** A generation that is watched, stopped half way, and followed by another on the same engine. */
public final class ProgressAndCancel {
    private ProgressAndCancel() {}

    /**
     * Writes {@code after-cancel.png}.
     *
     * @param args none
     * @throws IOException if the image cannot be written
     */
    public static void main(String[] args) throws IOException {
        GenerationRequest request = GenerationRequest.of("красное сердце");
        Path file = Path.of("after-cancel.png");
        try (TextToImage engine = TextToImage.bundled()) {
            CancelToken token = new CancelToken();
            // Any thread may cancel; here it is the listener, once the UNet is half done.
            RunControl control =
                    new RunControl(
                            progress -> {
                                show(progress);
                                if (progress.stage() == Progress.Stage.DENOISE
                                        && progress.fraction() >= 0.5) {
                                    token.cancel();
                                }
                            },
                            token);
            try {
                engine.generate(request.withCount(100), control);
            } catch (CancellationException e) {
                System.out.println(e.getMessage());
            }
            engine.generate(request, RunControl.watchedBy(ProgressAndCancel::show))
                    .get(0)
                    .writePng(file);
        }
        System.out.println(file.toAbsolutePath());
    }

    private static void show(Progress progress) {
        System.out.printf("%s %3.0f%%%n", progress.stage(), 100 * progress.fraction());
    }
}
