package dev.instaflow.checkpoint;

/** The containers that {@link Checkpoint#open} reads. */
public enum CheckpointFormat {
    /** A zip of {@code data.pkl} and raw storages: {@code torch.save} since 1.6. */
    CKPT_ZIP,
    /** A chain of pickles and raw storages: {@code torch.save} before 1.6. */
    CKPT_LEGACY,
    /** A JSON header and one data block. */
    SAFETENSORS,
    /** A folder with {@code unet/}, {@code vae/}, {@code text_encoder/}. */
    DIFFUSERS,
    /** No container: tensors gathered in memory, never what {@code open} returns. */
    MEMORY
}
