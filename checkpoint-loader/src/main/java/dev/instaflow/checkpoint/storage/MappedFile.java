package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A read-only file, mapped in windows on demand. The windows used last stay mapped, the others are
 * given back, so a walk through a file of any size keeps a bounded part of it resident; coming back
 * maps again. Thread-safe: a window in use is pinned and never given back under a reader.
 */
public final class MappedFile implements AutoCloseable {
    /** Large enough that mapping costs nothing beside reading, small enough to keep a few. */
    private static final long WINDOW_BYTES = 32L << 20;

    /** Two readers, each between two windows. */
    private static final int KEPT_WINDOWS = 4;

    /** An element that starts in a window may end past it: each window maps this much more. */
    private static final int OVERLAP_BYTES = 8;

    private final Path path;
    private final SteadyChannel channel;
    private final long sizeBytes;
    private final long windowBytes;
    private final int keptWindows;
    private final Map<Long, Window> windows = new LinkedHashMap<>(16, 0.75f, true);
    private boolean closed;

    private static final class Window {
        final long index;
        final Mapping mapping;
        int pins;

        Window(long index, Mapping mapping) {
            this.index = index;
            this.mapping = mapping;
        }
    }

    /** Receives the elements of a read, piece by piece. */
    @FunctionalInterface
    interface Pieces {
        /**
         * One piece.
         *
         * @param bytes a private view of the window, valid during the call only
         * @param start index of the piece's first element in {@code bytes}
         * @param done number of elements handed over before
         * @param count number of elements in this piece, at least 1
         */
        void accept(ByteBuffer bytes, int start, int done, int count);
    }

    private MappedFile(Path path, SteadyChannel channel, long windowBytes, int keptWindows) {
        this.path = path;
        this.channel = channel;
        this.sizeBytes = channel.sizeBytes();
        this.windowBytes = windowBytes;
        this.keptWindows = keptWindows;
    }

    /**
     * Opens a file; nothing is mapped yet.
     *
     * @param path a regular file
     * @return to be closed by the caller
     * @throws IOException if it cannot be opened
     */
    public static MappedFile open(Path path) throws IOException {
        return open(path, WINDOW_BYTES, KEPT_WINDOWS);
    }

    static MappedFile open(Path path, long windowBytes, int keptWindows) throws IOException {
        return new MappedFile(path, SteadyChannel.open(path), windowBytes, keptWindows);
    }

    /**
     * The file's name, for messages.
     *
     * @return as opened
     */
    public Path path() {
        return path;
    }

    /**
     * The file's size when it was opened.
     *
     * @return bytes
     */
    public long sizeBytes() {
        return sizeBytes;
    }

    /**
     * Copies a small part of the file: headers, directories, pickles.
     *
     * @param position first byte
     * @param length number of bytes
     * @return a new array of exactly {@code length} bytes
     * @throws CheckpointFormatException if the range is not inside the file
     * @throws IOException if it cannot be read
     */
    public byte[] bytes(long position, int length) throws IOException {
        requireInside(position, length); // before the array is made: a hostile length is refused
        ByteBuffer target = ByteBuffer.allocate(length);
        read(position, target);
        return target.array();
    }

    /**
     * Fills a buffer with a part of the file. Unlike a mapping it leaves no pages of the file in this
     * process, and a file that shrinks meanwhile is an exception even where native code is the reader.
     *
     * @param position first byte
     * @param target filled from its position to its limit; a direct buffer is filled without a copy
     * @throws CheckpointFormatException if the range is not inside the file
     * @throws IOException if it cannot be read
     */
    public void read(long position, ByteBuffer target) throws IOException {
        requireInside(position, target.remaining());
        long end = position + target.remaining();
        while (target.hasRemaining()) {
            long at = end - target.remaining();
            if (channel.with(file -> file.read(target, at)) < 0) {
                throw shrunk();
            }
        }
    }

    /** What is done with the start of a file. */
    @FunctionalInterface
    public interface HeadReader<T> {
        /**
         * Reads it.
         *
         * @param head valid during the call only
         * @return anything but the buffer
         * @throws IOException if the head is not what was expected
         */
        T read(ByteBuffer head) throws IOException;
    }

    /**
     * Maps the start of the file for the time of one call.
     *
     * @param <T> what the reader makes of it
     * @param length bytes, at most the size of the file
     * @param reader called once
     * @return what the reader returned
     * @throws IOException from mapping or from the reader
     */
    public <T> T withHead(int length, HeadReader<T> reader) throws IOException {
        requireInside(0, length);
        try (Mapping head = channel.with(file -> Mapping.of(file, 0, length))) {
            return reader.read(head.bytes());
        }
    }

    /**
     * Walks over a range of bytes in order.
     *
     * @param position first byte
     * @param length number of bytes, may exceed 2 GB
     * @param consumer receives buffers that are valid during the call only
     * @throws CheckpointFormatException if the range is not inside the file
     * @throws IOException if it cannot be read
     */
    public void forEachByte(long position, long length, Consumer<ByteBuffer> consumer)
            throws IOException {
        requireInside(position, length);
        long done = 0;
        while (done < length) {
            int piece = (int) Math.min(length - done, windowBytes);
            read(
                    position + done,
                    1,
                    1,
                    piece,
                    (bytes, start, before, count) ->
                            consumer.accept(bytes.position(start).limit(start + count)));
            done += piece;
        }
    }

    /**
     * Walks over {@code count} elements, {@code strideBytes} apart, in pieces that each lie in one
     * window.
     *
     * @param position of the first element, bytes
     * @param strideBytes distance of two elements, at least 0
     * @param elementBytes size of one, 1 to 8
     */
    void read(long position, long strideBytes, int elementBytes, int count, Pieces pieces)
            throws IOException {
        if (count == 0) {
            return;
        }
        requireInside(
                position, Math.addExact(Math.multiplyExact(count - 1L, strideBytes), elementBytes));
        int done = 0;
        while (done < count) {
            long at = position + done * strideBytes;
            long index = at / windowBytes;
            int start = (int) (at % windowBytes);
            long room = strideBytes == 0 ? count : (windowBytes - 1 - start) / strideBytes + 1;
            int piece = (int) Math.min(count - done, room);
            Window window = acquire(index);
            try {
                pieces.accept(window.mapping.bytes(), start, done, piece);
            } catch (InternalError e) { // how the JVM reports a page that is no longer there
                throw new IOException(path + ": the file changed while it was read", e);
            } finally {
                release(window);
            }
            done += piece;
        }
    }

    private void requireInside(long position, long length) throws CheckpointFormatException {
        if (position < 0 || length < 0 || position > sizeBytes - length) {
            throw new CheckpointFormatException(
                    path
                            + ": needs "
                            + length
                            + " bytes at byte "
                            + position
                            + ", past the end: the file has "
                            + sizeBytes);
        }
    }

    private synchronized Window acquire(long index) throws IOException {
        if (closed) {
            throw new IllegalStateException(path + ": read after the checkpoint was closed");
        }
        Window window = windows.get(index);
        if (window == null) {
            window = new Window(index, map(index));
            windows.put(index, window);
        }
        window.pins++;
        giveBackOldest();
        return window;
    }

    private Mapping map(long index) throws IOException {
        if (channel.with(FileChannel::size) < sizeBytes) {
            throw shrunk();
        }
        long start = index * windowBytes;
        long length = Math.min(windowBytes + OVERLAP_BYTES, sizeBytes - start);
        return channel.with(file -> Mapping.of(file, start, length));
    }

    private IOException shrunk() {
        return new IOException(
                path
                        + ": the file had "
                        + sizeBytes
                        + " bytes when it was opened and is shorter now");
    }

    private void giveBackOldest() {
        Iterator<Window> oldestFirst = windows.values().iterator();
        while (windows.size() > keptWindows && oldestFirst.hasNext()) {
            Window window = oldestFirst.next();
            if (window.pins == 0) {
                oldestFirst.remove();
                window.mapping.close();
            }
        }
    }

    private synchronized void release(Window window) {
        window.pins--;
        if (closed && window.pins == 0 && windows.remove(window.index, window)) {
            window.mapping.close();
        }
    }

    synchronized int mappedWindows() {
        return windows.size();
    }

    /** Gives all mappings back, those in use as soon as their readers leave. */
    @Override
    public synchronized void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        Iterator<Window> all = windows.values().iterator();
        while (all.hasNext()) {
            Window window = all.next();
            if (window.pins == 0) {
                all.remove();
                window.mapping.close();
            }
        }
        channel.close();
    }
}
