package dev.instaflow.checkpoint.inspect;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.FileReport;
import dev.instaflow.checkpoint.diffusers.DiffusersFolder;
import dev.instaflow.checkpoint.layout.CardFile;
import dev.instaflow.checkpoint.layout.CompVisView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a file or folder is, what it holds, whether it is whole, and what running it takes. No value
 * of a tensor is read, so a file of any size is inspected in a moment, unless checksums are asked
 * for.
 *
 * @param file what the path is by its first bytes
 * @param bytes size of the file, or of the folder's weight files
 * @param contents what it holds; empty if it is no model or damaged
 * @param problem why there are no contents; empty if there are
 * @param sha256 the checksum of each weight file; empty unless asked for
 */
public record Inspection(
        FileReport file,
        long bytes,
        Optional<ModelContents> contents,
        Optional<String> problem,
        Map<Path, String> sha256) {

    /** Whether the whole file is read for its checksum. */
    public enum Checksums {
        /** No: a moment, whatever the size. */
        NONE,
        /** SHA-256 of each weight file: about a second a gigabyte. */
        SHA256
    }

    /** Takes a copy of the map. */
    public Inspection {
        sha256 = Collections.unmodifiableMap(new LinkedHashMap<>(sha256));
    }

    /**
     * Inspects a file or folder for an image of the size on its card, or else of 512x512 pixels,
     * without checksums.
     *
     * @param path anything that exists
     * @return never a failure because of what the file holds: that is what it tells
     * @throws IOException if the path does not exist or cannot be read
     */
    public static Inspection of(Path path) throws IOException {
        int[] usual = {MemoryEstimate.USUAL_SIDE, MemoryEstimate.USUAL_SIDE};
        int[] size = CardFile.beside(path).flatMap(CardFile::imageSize).orElse(usual);
        return of(path, size[1], size[0], Checksums.NONE);
    }

    /**
     * Inspects a file or folder.
     *
     * @param path anything that exists
     * @param width pixels of the image that the memory is estimated for, at least 1
     * @param height pixels of that image, at least 1
     * @param checksums whether to compute them
     * @return never a failure because of what the file holds: that is what it tells
     * @throws IOException if the path does not exist or cannot be read
     */
    public static Inspection of(Path path, int width, int height, Checksums checksums)
            throws IOException {
        FileReport file = FileReport.of(path);
        if (!file.kind().isReadable()) {
            return failed(file, file.message(), checksums);
        }
        try (CompVisView view = CompVisView.of(Checkpoint.open(path))) {
            List<Path> weights = weightFiles(view.source());
            return new Inspection(
                    file,
                    totalBytes(weights),
                    Optional.of(ModelContents.of(view, width, height)),
                    Optional.empty(),
                    hashes(weights, checksums));
        } catch (CheckpointFormatException e) {
            return failed(file, e.getMessage(), checksums);
        }
    }

    /**
     * Whether this is a model that can be run or changed: it could be read, its kind is known, and
     * no tensor is missing, left over or of another shape.
     *
     * @return false for everything that needs attention
     */
    public boolean isWhole() {
        return contents.flatMap(ModelContents::keys).map(keys -> keys.fits()).orElse(false);
    }

    /**
     * For people: several lines.
     *
     * @return text without a trailing line break, free of control characters from the file
     */
    public String text() {
        return InspectionText.of(this);
    }

    /**
     * For programs.
     *
     * @return the same as {@link #text()} says, and every missing and unexpected name
     */
    public ObjectNode json() {
        return InspectionJson.of(this);
    }

    private static Inspection failed(FileReport file, String problem, Checksums checksums)
            throws IOException {
        List<Path> files = Files.isRegularFile(file.path()) ? List.of(file.path()) : List.of();
        return new Inspection(
                file,
                totalBytes(files),
                Optional.empty(),
                Optional.of(problem),
                hashes(files, checksums));
    }

    private static List<Path> weightFiles(Checkpoint checkpoint) {
        return checkpoint instanceof DiffusersFolder folder
                ? folder.weightFiles()
                : List.of(checkpoint.path());
    }

    private static long totalBytes(List<Path> files) throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        return bytes;
    }

    private static Map<Path, String> hashes(List<Path> files, Checksums checksums)
            throws IOException {
        Map<Path, String> hashes = new LinkedHashMap<>();
        if (checksums == Checksums.SHA256) {
            for (Path file : files) {
                hashes.put(file, FileHash.sha256(file));
            }
        }
        return hashes;
    }
}
