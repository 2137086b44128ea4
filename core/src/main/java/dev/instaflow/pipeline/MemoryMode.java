package dev.instaflow.pipeline;

import dev.instaflow.backend.WeightStorage;

/** Which weights an engine keeps in memory, and for how long. The images are the same to the bit. */
public enum MemoryMode {
    /**
     * All networks are loaded when the engine opens and stay until it closes, for the fastest next image; the
     * encoder of init images from its first use on.
     */
    RESIDENT(WeightStorage.PACKED),
    /**
     * One network at a time: the text encoder is loaded, run and freed, then the UNet, then the decoder. A
     * single request takes no longer than loading everything first; each further one loads again. Requests
     * on one engine run one after the other. The bundled model is so small that it is resident all the
     * same.
     */
    BY_STAGE(WeightStorage.PACKED),
    /**
     * One network at a time, and its weights as the file has them, brought into the form that is computed with
     * at each use: least memory, above all for files in F16 and BF16, and the slower the more steps a
     * request has.
     */
    COMPACT(WeightStorage.AS_STORED);

    private final WeightStorage weights;

    MemoryMode(WeightStorage weights) {
        this.weights = weights;
    }

    /** How the backend keeps weights. */
    WeightStorage weights() {
        return weights;
    }
}
