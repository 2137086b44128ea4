package dev.instaflow.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.backend.Device;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Small images of one request, which are made side by side where there are threads for it. */
class BatchTest {
    private static final GenerationRequest REQUEST = GenerationRequest.of("кот").withSeed(20);

    private static TextToImage engine(int threads) throws IOException {
        return TextToImage.open(
                ModelSource.bundled(), EngineSettings.defaults().withDevice(Device.cpu(threads)));
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 96, 128})
    void imagesDependNeitherOnThreadsNorOnBatchMates(int side) throws IOException {
        GenerationRequest request = REQUEST.withSize(side, side);
        try (TextToImage one = engine(1);
                TextToImage three = engine(3)) {
            List<GeneratedImage> batch = three.generate(request.withCount(7));
            assertEquals(7, batch.size());
            for (int i = 0; i < batch.size(); i++) {
                GeneratedImage alone = one.generate(request.withSeed(20 + i)).get(0);
                assertArrayEquals(
                        alone.latents().values(), batch.get(i).latents().values(), "image " + i);
                assertArrayEquals(
                        alone.pixels().toBytes(), batch.get(i).pixels().toBytes(), "image " + i);
            }
        }
    }

    @Test
    void theListenerIsToldOnTheCallersThreadAlone() throws IOException {
        List<Thread> threads = new ArrayList<>();
        List<Progress> seen = new ArrayList<>();
        RunControl control =
                RunControl.watchedBy(
                        progress -> {
                            threads.add(Thread.currentThread());
                            seen.add(progress);
                        });
        try (TextToImage engine = engine(3)) {
            engine.generate(REQUEST.withCount(6), control);
        }
        assertEquals(List.of(Thread.currentThread()), threads.stream().distinct().toList());
        assertEquals(1, seen.get(seen.size() - 1).fraction(), 1e-9);
    }

    /** Closing the engine fails if any part has left a tensor behind. */
    @Test
    void cancellingABatchFreesAllParts() throws IOException {
        try (TextToImage engine = engine(3)) {
            for (String block : List.of("unet.middle_block", "vae.decoder.conv_out")) {
                CancelToken token = new CancelToken();
                Progress.Listener cancels =
                        progress -> {
                            if (progress.block().equals(block)) {
                                token.cancel();
                            }
                        };
                RunControl control = new RunControl(cancels, token);
                GenerationRequest request = REQUEST.withCount(9);
                assertThrows(
                        CancellationException.class,
                        () -> {
                            engine.generate(request, control);
                            engine.generate(request, control);
                        });
            }
            assertEquals(2, engine.generate(REQUEST.withCount(2)).size());
        }
    }
}
