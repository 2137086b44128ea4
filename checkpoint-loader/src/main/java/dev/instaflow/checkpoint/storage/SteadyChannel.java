package dev.instaflow.checkpoint.storage;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * A file opened for reading that outlives interrupts. Java closes the channel of a thread that is interrupted
 * while it reads, and all other readers find it closed; here the file is opened again, if it is still the
 * same, and the interrupt is kept for whoever asks for it later. Thread-safe.
 */
final class SteadyChannel implements AutoCloseable {
    private final Path path;
    private final Object fileKey;
    private final long sizeBytes;
    private FileChannel channel;
    private boolean closed;

    private SteadyChannel(Path path, Object fileKey, FileChannel channel) throws IOException {
        this.path = path;
        this.fileKey = fileKey;
        this.sizeBytes = channel.size();
        this.channel = channel;
    }

    /** Something done with the channel, perhaps more than once. */
    @FunctionalInterface
    interface Reading<T> {
        T read(FileChannel channel) throws IOException;
    }

    static SteadyChannel open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new SteadyChannel(path, keyOf(path), channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Tells files apart where the file system can; null where it cannot. */
    private static Object keyOf(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    /** The size when it was opened. */
    long sizeBytes() {
        return sizeBytes;
    }

    /** Reads; begins again if an interrupt, here or on another thread, closed the channel. */
    <T> T with(Reading<T> reading) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                FileChannel current = current();
                interrupted |= Thread.interrupted();
                try {
                    return reading.read(current);
                } catch (ClosedChannelException e) {
                    replace(current);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized FileChannel current() {
        if (closed) {
            throw new IllegalStateException(path + ": read after the checkpoint was closed");
        }
        return channel;
    }

    private synchronized void replace(FileChannel broken) throws IOException {
        if (closed || channel != broken) {
            return;
        }
        if (!Objects.equals(fileKey, keyOf(path))) {
            throw new IOException(path + ": another file stands there now; open it again");
        }
        channel = FileChannel.open(path, StandardOpenOption.READ);
    }

    @Override
    public synchronized void close() throws IOException {
        closed = true;
        channel.close();
    }
}
