package dev.instaflow.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class ChannelOrderTest {
    private static final Shape NCHW = Shape.of(2, 3, 1, 2);

    /** Value = 100 n + 10 c + w. */
    private static final float[] FIRST = {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};

    private static final float[] LAST = {0, 10, 20, 1, 11, 21, 100, 110, 120, 101, 111, 121};

    @Test
    void movesChannelsOfEachSample() {
        assertEquals(Shape.of(2, 1, 2, 3), ChannelOrder.channelsLast(NCHW));
        assertArrayEquals(LAST, ChannelOrder.toChannelsLast(NCHW, FIRST));
    }

    @Test
    void movesThemBack() {
        Shape nhwc = ChannelOrder.channelsLast(NCHW);
        assertEquals(NCHW, ChannelOrder.channelsFirst(nhwc));
        assertArrayEquals(FIRST, ChannelOrder.toChannelsFirst(nhwc, LAST));
    }

    @Test
    void refusesOtherRanksAndCounts() {
        assertThrows(
                IllegalArgumentException.class,
                () -> ChannelOrder.toChannelsLast(Shape.of(2, 3), new float[6]));
        assertThrows(
                IllegalArgumentException.class,
                () -> ChannelOrder.toChannelsLast(NCHW, new float[11]));
    }
}
