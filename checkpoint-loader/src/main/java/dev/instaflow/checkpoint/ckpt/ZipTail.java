package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.storage.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * The end of a zip: where its directory is and what it promises. Read by ourselves before the zip
 * library sees the file, because the library believes the directory and does not count. Layout: PKWARE
 * APPNOTE 6.3.10, sections 4.3.14 to 4.3.16.
 *
 * @param entryCount entries promised
 * @param directoryPosition first byte of the directory
 * @param directoryBytes its size
 */
public record ZipTail(long entryCount, long directoryPosition, long directoryBytes) {
    private static final int END_SIGNATURE = 0x06054b50;
    private static final int END_BYTES = 22;
    private static final int LONGEST_COMMENT = 0xffff;
    private static final int LOCATOR64_SIGNATURE = 0x07064b50;
    private static final int LOCATOR64_BYTES = 20;
    private static final int END64_SIGNATURE = 0x06064b50;
    private static final int END64_BYTES = 56;

    /**
     * Finds it.
     *
     * @param file any file
     * @return empty if the file does not end as a zip does: it is cut off, or no zip
     * @throws CheckpointFormatException if the end contradicts the file
     * @throws IOException if it cannot be read
     */
    public static Optional<ZipTail> find(MappedFile file) throws IOException {
        int length = (int) Math.min(file.sizeBytes(), END_BYTES + LONGEST_COMMENT);
        long start = file.sizeBytes() - length;
        ByteBuffer tail = ByteBuffer.wrap(file.bytes(start, length)).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = length - END_BYTES; at >= 0; at--) {
            boolean found =
                    tail.getInt(at) == END_SIGNATURE
                            && at + END_BYTES + (tail.getShort(at + 20) & 0xffff) == length;
            if (found) {
                return Optional.of(parse(file, tail, at, start + at));
            }
        }
        return Optional.empty();
    }

    private static ZipTail parse(MappedFile file, ByteBuffer tail, int at, long position)
            throws IOException {
        long count = tail.getShort(at + 10) & 0xffff;
        long bytes = tail.getInt(at + 12) & 0xffffffffL;
        long directory = tail.getInt(at + 16) & 0xffffffffL;
        long end = position;
        Optional<ByteBuffer> end64 = end64(file, position);
        if (end64.isPresent()) {
            count = end64.get().getLong(32);
            bytes = end64.get().getLong(40);
            directory = end64.get().getLong(48);
            end = position - LOCATOR64_BYTES - END64_BYTES;
        }
        if (bytes < 0 || directory < 0 || directory > end - bytes) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": the zip's end record puts "
                            + bytes
                            + " bytes of directory at byte "
                            + directory
                            + ", but it must end before byte "
                            + end);
        }
        return new ZipTail(count, directory, bytes);
    }

    private static Optional<ByteBuffer> end64(MappedFile file, long position) throws IOException {
        long locatorAt = position - LOCATOR64_BYTES;
        if (locatorAt < END64_BYTES) {
            return Optional.empty();
        }
        ByteBuffer locator = buffer(file, locatorAt, LOCATOR64_BYTES);
        if (locator.getInt(0) != LOCATOR64_SIGNATURE) {
            return Optional.empty();
        }
        long at = locator.getLong(8);
        if (at < 0 || at > locatorAt - END64_BYTES) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": the zip64 locator points at byte "
                            + at
                            + ", past the locator at byte "
                            + locatorAt);
        }
        ByteBuffer end64 = buffer(file, at, END64_BYTES);
        if (end64.getInt(0) != END64_SIGNATURE) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": no zip64 end record at byte "
                            + at
                            + ", where the locator points");
        }
        return Optional.of(end64);
    }

    private static ByteBuffer buffer(MappedFile file, long position, int length)
            throws IOException {
        return ByteBuffer.wrap(file.bytes(position, length)).order(ByteOrder.LITTLE_ENDIAN);
    }
}
