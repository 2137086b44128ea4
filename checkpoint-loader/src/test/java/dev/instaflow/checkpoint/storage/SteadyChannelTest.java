package dev.instaflow.checkpoint.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SteadyChannelTest {
    @TempDir private Path folder;

    private Path file(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    private static String text(SteadyChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) channel.sizeBytes());
        channel.with(file -> file.read(bytes.clear(), 0));
        return new String(bytes.array());
    }

    @Test
    void anInterruptedThreadReadsOnAndKeepsItsInterrupt() throws IOException {
        try (SteadyChannel channel = SteadyChannel.open(file("a", "content"))) {
            Thread.currentThread().interrupt();
            assertEquals("content", text(channel));
            assertTrue(Thread.interrupted());
        }
    }

    /** An interrupt while the system reads: Java closes the channel under everybody. */
    private static String textInterruptedInBetween(SteadyChannel channel) throws IOException {
        boolean[] done = new boolean[1];
        ByteBuffer bytes = ByteBuffer.allocate((int) channel.sizeBytes());
        channel.with(
                file -> {
                    if (!done[0]) {
                        done[0] = true;
                        Thread.currentThread().interrupt();
                        assertThrows(
                                ClosedByInterruptException.class,
                                () -> file.read(bytes.clear(), 0));
                    }
                    return file.read(bytes.clear(), 0);
                });
        return new String(bytes.array());
    }

    @Test
    void aChannelThatAnInterruptClosedIsOpenedAgain() throws IOException {
        try (SteadyChannel channel = SteadyChannel.open(file("a", "content"))) {
            assertEquals("content", textInterruptedInBetween(channel));
            assertTrue(Thread.interrupted());
            assertEquals("content", text(channel));
        }
    }

    @Test
    void anotherFileInItsPlaceIsRefusedThen() throws IOException {
        Path path = file("a", "content");
        try (SteadyChannel channel = SteadyChannel.open(path)) {
            Files.move(file("b", "another"), path, StandardCopyOption.REPLACE_EXISTING);
            assertEquals("content", text(channel));
            IOException error =
                    assertThrows(IOException.class, () -> textInterruptedInBetween(channel));
            assertTrue(error.getMessage().contains("another file stands there"), error.toString());
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void aClosedOneReadsNothing() throws IOException {
        SteadyChannel channel = SteadyChannel.open(file("a", "content"));
        channel.close();
        channel.close();
        assertThrows(IllegalStateException.class, () -> text(channel));
    }

    @Test
    void aBufferIsFilledFromItsPositionToItsLimit() throws IOException {
        Path path = file("a", "0123456789");
        try (MappedFile file = MappedFile.open(path)) {
            ByteBuffer target = ByteBuffer.allocateDirect(6).position(1).limit(5);
            file.read(3, target);
            byte[] all = new byte[6];
            target.clear().get(all);
            assertArrayEquals(new byte[] {0, '3', '4', '5', '6', 0}, all);
            assertThrows(IOException.class, () -> file.read(8, target.clear()));
            Files.writeString(path, "0123");
            String message =
                    assertThrows(IOException.class, () -> file.read(3, target.clear()))
                            .getMessage();
            assertTrue(message.contains("is shorter now"), message);
        }
    }
}
