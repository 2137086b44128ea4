package dev.instaflow.checkpoint.convert;

import java.nio.file.Path;
import java.util.Locale;

/** What a model can be written as. */
public enum Target {
    /** A zip that {@code torch.load} reads, with CompVis names below {@code state_dict}. */
    CKPT,
    /** One safetensors file with CompVis names. */
    SAFETENSORS,
    /** A folder with diffusers names, {@code config.json} files and a {@code model_index.json}. */
    DIFFUSERS;

    /**
     * The target that a path's name asks for.
     *
     * @param output where the result shall be
     * @return by the ending {@code .ckpt}, {@code .pt}, {@code .pth}, {@code .safetensors}; a name
     *     without an ending is a folder
     * @throws IllegalArgumentException if the ending is another one
     */
    public static Target of(Path output) {
        Path last = output.getFileName();
        String name = last == null ? "" : last.toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".ckpt") || name.endsWith(".pt") || name.endsWith(".pth")) {
            return CKPT;
        }
        if (name.endsWith(".safetensors")) {
            return SAFETENSORS;
        }
        // A dot in a folder's name, as in "sd-v1.5", is no ending.
        if (name.matches(".*\\.[a-z]{2,}")) {
            throw new IllegalArgumentException(
                    output
                            + ": cannot tell what to write by this ending; expected .ckpt,"
                            + " .safetensors, or the name of a folder for diffusers");
        }
        return DIFFUSERS;
    }
}
