package dev.instaflow.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/**
 * The tensors of one model file or folder, by name, in file order. The file is memory-mapped and no
 * value is copied before an {@link Entry} is read. Thread-safe; entries must not be read after {@link
 * #close()}.
 */
public interface Checkpoint extends AutoCloseable {
    /**
     * Opens a model file or diffusers folder; its kind is told by its content, not by its name.
     *
     * @param path a {@code .ckpt}, {@code .pt}, {@code .bin} or {@code .safetensors} file, or a folder
     * @return an open checkpoint, to be closed by the caller
     * @throws CheckpointFormatException if it is something else, damaged or hostile
     * @throws IOException if it cannot be read
     */
    static Checkpoint open(Path path) throws IOException {
        return CheckpointOpener.open(path);
    }

    /**
     * Where it came from.
     *
     * @return the path that was opened
     */
    Path path();

    /**
     * The container.
     *
     * @return one of the formats we read
     */
    CheckpointFormat format();

    /**
     * All tensors, in file order. For a {@code .ckpt} these are the entries of its {@code state_dict}
     * (or of the root, where the file has none); for a diffusers folder the names are prefixed by
     * component: {@code unet.}, {@code vae.}, {@code text_encoder.}.
     *
     * @return immutable
     */
    Collection<Entry> entries();

    /**
     * One tensor.
     *
     * @param name the exact key
     * @return empty if the file has no such tensor
     */
    Optional<Entry> find(String name);

    /**
     * Plain values beside the tensors ({@code global_step}, {@code epoch}, safetensors' {@code
     * __metadata__}): strings, numbers and booleans only; anything else in the file is left out.
     *
     * @return immutable, possibly empty
     */
    Map<String, Object> metadata();

    /**
     * Reads the whole file and compares it with the checksums that its container holds (the CRCs of a
     * zip); does nothing where there are none. Opening checks only what it reads itself, so this finds
     * the flipped bits that a reader of weights cannot see.
     *
     * @throws CheckpointFormatException if the file is damaged
     * @throws IOException if it cannot be read
     */
    default void verify() throws IOException {}

    @Override
    void close() throws IOException;
}
