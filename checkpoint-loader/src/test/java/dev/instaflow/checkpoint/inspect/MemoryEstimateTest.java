package dev.instaflow.checkpoint.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MemoryEstimateTest {
    /** Worked out by hand from the formula in the class's documentation. */
    @Test
    void stableDiffusion15At512IsThatOfTheFormula() {
        MemoryEstimate memory = MemoryEstimate.of(ArchitectureShapes.sd15(), 512, 512);
        assertEquals(4_264_941_228L, memory.weightBytes());
        // Skips of 6,635,520 floats, and 10 * 320 * 64 * 64 in an outermost transformer.
        assertEquals(4L * (6_635_520 + 13_107_200), memory.unetBytes());
        // (2 * 256 + 2 * 128) * 512 * 512 where the decoder's last level begins.
        assertEquals(4L * 201_326_592, memory.vaeBytes());
        assertEquals(5_070_247_596L, memory.totalBytes());
    }

    @Test
    void oddSizesRoundUpToWholeLatents() {
        ArchitectureShapes sd15 = ArchitectureShapes.sd15();
        MemoryEstimate odd = MemoryEstimate.of(sd15, 505, 511);
        MemoryEstimate even = MemoryEstimate.of(sd15, 512, 512);
        assertEquals(even.unetBytes(), odd.unetBytes());
        assertEquals(even.vaeBytes(), odd.vaeBytes());
    }

    @Test
    void noPartsTakeNothing() {
        ArchitectureShapes none =
                new ArchitectureShapes(Optional.empty(), Optional.empty(), Optional.empty());
        assertEquals(0, MemoryEstimate.of(none, 64, 64).totalBytes());
    }

    @Test
    void anImageHasPixels() {
        assertThrows(
                IllegalArgumentException.class,
                () -> MemoryEstimate.of(ArchitectureShapes.sd15(), 0, 64));
    }
}
