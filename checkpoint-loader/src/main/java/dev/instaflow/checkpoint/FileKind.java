package dev.instaflow.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** What a path may turn out to be, told by content alone. */
public enum FileKind {
    /** A zip of {@code torch.save}. */
    CKPT_ZIP("a .ckpt file (zip of torch.save)"),
    /** A chain of pickles of {@code torch.save} before torch 1.6. */
    CKPT_LEGACY("a legacy .ckpt file (torch.save before torch 1.6)"),
    /** A safetensors file. */
    SAFETENSORS("a .safetensors file"),
    /** A folder with {@code model_index.json} or the components of a pipeline. */
    DIFFUSERS_FOLDER("a diffusers folder"),
    /** The few lines that stand in for a large file in a Git repository without its LFS files. */
    GIT_LFS_POINTER("a Git LFS pointer, not the file itself"),
    /** A web page, saved where a download failed. */
    HTML_PAGE("an HTML page, not a model file"),
    /** A model file that ends too early. */
    TRUNCATED("a model file that is cut off"),
    /** No bytes at all. */
    EMPTY("an empty file"),
    /** A compiled TorchScript program. */
    TORCHSCRIPT("a TorchScript program"),
    /** Anything else. */
    NOT_A_CHECKPOINT("not a model file");

    private final String description;

    FileKind(String description) {
        this.description = description;
    }

    /**
     * What a path is; {@link FileReport#of} says more.
     *
     * @param path anything that exists
     * @return its kind, told by content
     * @throws IOException if it cannot be read
     */
    public static FileKind of(Path path) throws IOException {
        return FileReport.of(path).kind();
    }

    /**
     * In words.
     *
     * @return a noun phrase
     */
    public String description() {
        return description;
    }

    /**
     * Whether {@link Checkpoint#open} has a reader for it; the file may still be damaged.
     *
     * @return false for everything that is recognised only to say so
     */
    public boolean isReadable() {
        return this == CKPT_ZIP
                || this == CKPT_LEGACY
                || this == SAFETENSORS
                || this == DIFFUSERS_FOLDER;
    }
}
