package dev.instaflow.unet;

import dev.instaflow.nn.Attention;
import java.util.Map;

/**
 * The keys and values of one text in every cross-attention of one UNet. They do not depend on the time
 * or the latent, so a sampler makes them once for all its steps. The tensors belong to the scope that
 * they were made in.
 */
public final class PreparedContext {
    private final long n;
    private final Map<Attention, Attention.KeyValue> byLayer;

    PreparedContext(long n, Map<Attention, Attention.KeyValue> byLayer) {
        this.n = n;
        this.byLayer = byLayer;
    }

    /**
     * The batch.
     *
     * @return N of the text states
     */
    public long batch() {
        return n;
    }

    Attention.KeyValue of(Attention layer) {
        Attention.KeyValue keyValue = byLayer.get(layer);
        if (keyValue == null) {
            throw new IllegalArgumentException("the context was prepared by another UNet");
        }
        return keyValue;
    }
}
