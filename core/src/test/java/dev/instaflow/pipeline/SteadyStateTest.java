package dev.instaflow.pipeline;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.instaflow.backend.Device;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an image leaves for the garbage collector once everything that is kept has been made. */
class SteadyStateTest {
    /** On 25 the same code leaves 80 KB at 64x64 and 340 KB at 192x192. */
    private static final int MEASURED_ON = 17;

    /** Measured: 45 to 55 KB, whatever the size. */
    private static final long GARBAGE_BYTES = 64 << 10;

    private static final int WARM_UP = 50;
    private static final int IMAGES = 50;

    private static TextToImage engine;

    @BeforeAll
    static void open() throws IOException {
        engine =
                TextToImage.open(
                        ModelSource.bundled(), EngineSettings.defaults().withDevice(Device.cpu()));
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    @ParameterizedTest
    @CsvSource({"64, 1", "64, 5", "192, 1"})
    void anImageLeavesLittleBesideItself(int side, int batch) {
        Assumptions.assumeTrue(
                Runtime.version().feature() == MEASURED_ON,
                "what C2 keeps off the heap differs between versions of the JVM");
        GenerationRequest request =
                GenerationRequest.of("кот").withSize(side, side).withCount(batch);
        GeneratedImage image = run(request, WARM_UP);
        long before = allocatedBytes();
        run(request, IMAGES);
        long eachBytes = (allocatedBytes() - before) / IMAGES;
        long resultBytes = image.pixels().toBytes().length + 4L * image.latents().values().length;
        assertTrue(
                eachBytes - resultBytes < GARBAGE_BYTES,
                eachBytes + " bytes an image, " + resultBytes + " of them its result");
    }

    /** At least so many images; the last one. */
    private static GeneratedImage run(GenerationRequest request, int images) {
        GeneratedImage last = null;
        for (int made = 0; made < images; made += request.seeds().count()) {
            last = engine.generate(request).get(0);
        }
        return last;
    }

    /** Of all threads, ever; those that have ended are missing, but none ends here. */
    private static long allocatedBytes() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertTrue(threads.isThreadAllocatedMemorySupported());
        return LongStream.of(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum();
    }
}
